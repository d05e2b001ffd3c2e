import { expect } from 'chai';
import { seededRandom } from '../../src/domain/seeded-random.js';
import { expectProblem, startApi, type Api } from '../support/api.js';
import { DocumentedAnswers } from '../support/documented-answers.js';
import { advanceAll, randomTrades, tradesOf, writeTrades } from '../support/market-trades.js';
import { startTrading, type Trading } from '../support/trading.js';

interface WireTrade {
  t: string;
  p: number;
  s: number;
  i: number;
}
interface Page {
  trades: Record<string, WireTrade[]>;
  next_page_token: string | null;
}

const STOCKS = ['AAPL', 'MSFT'];
const FROM = new Date('2026-03-20T08:00:00Z');
const NOW = new Date('2026-03-20T15:00:30Z');
/** Of all that are written, and a little more. */
const SPAN_MS = 75 * 60_000;

describe('trades', () => {
  let trading: Trading;
  let api: Api;
  let answers: DocumentedAnswers;
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = seededRandom(seed);

  before(async () => {
    trading = await startTrading(2);
    api = await startApi(trading, { now: () => NOW });
    answers = await DocumentedAnswers.of(api, trading.accounts[0]!);
    const symbols = [...STOCKS, 'BTC/USD'];
    // The clocks of the machines that wrote them differ by up to a hundred seconds.
    const written = symbols.flatMap((symbol) =>
      randomTrades(symbol, 400, { from: FROM, gapMs: 20_000, random }).map((trade) => ({
        ...trade,
        executedAt: new Date(trade.executedAt.getTime() + Math.floor(random() * 100_000)),
      })),
    );
    await writeTrades(trading, written.slice(0, 350));
    await writeTrades(trading, written.slice(400, 1_200));
    await advanceAll(trading.container.db.knex);
    await writeTrades(trading, written.slice(350, 400)); // which the bars have not reached
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const get = (path: string) => answers.get(path);
  const page = (path: string) => answers.page<Page>(path);
  /** The numbers of a symbol's trades, as they are kept. */
  const numbers = async (symbol: string, start = FROM, end = NOW): Promise<number[]> =>
    (await tradesOf(trading, symbol))
      .filter(({ executedAt }) => executedAt >= start && executedAt <= end)
      .map(({ seq }) => Number(seq));
  const numbersOf = (trades: readonly WireTrade[] = []) => trades.map(({ i }) => i);

  it('are those of today, without who made them, in the order in which they were made', async () => {
    const { trades } = await page('/v2/stocks/trades?symbols=MSFT,AAPL&limit=10000');
    expect(Object.keys(trades)).to.deep.equal(STOCKS);
    for (const symbol of STOCKS) {
      expect(numbersOf(trades[symbol]), `seed ${seed}`).to.deep.equal(await numbers(symbol));
    }
    const [first] = await tradesOf(trading, 'AAPL');
    expect(trades['AAPL']![0]).to.deep.equal({
      t: first!.executedAt.toISOString(),
      p: Number(first!.price) / 1e4,
      s: Number(first!.qty) / 1e9,
      i: Number(first!.seq),
      x: 'Q',
      c: ['@'],
      z: 'C',
    });
  });

  it('are found by time, however the clocks of machines differ', async () => {
    for (let n = 0; n < 100; n += 1) {
      const [a, b] = [random(), random()].sort((one, other) => one - other);
      const [start, end] = [a!, b!].map(
        (at) => new Date(FROM.getTime() + Math.floor(at * SPAN_MS)),
      );
      const times = `start=${start!.toISOString()}&end=${end!.toISOString()}&limit=10000`;
      const symbol = STOCKS[n % 2]!;
      const wanted = await numbers(symbol, start, end);
      const up = await page(`/v2/stocks/trades?symbols=${symbol}&${times}`);
      expect(numbersOf(up.trades[symbol]), `${times}, seed ${seed}`).to.deep.equal(wanted);
      const down = await page(`/v2/stocks/trades?symbols=${symbol}&${times}&sort=desc`);
      expect(numbersOf(down.trades[symbol])).to.deep.equal(wanted.reverse());
    }
    const [one] = await tradesOf(trading, 'AAPL');
    const at = one!.executedAt.toISOString();
    const exact = await page(`/v2/stocks/trades?symbols=AAPL&start=${at}&end=${at}`);
    expect(numbersOf(exact.trades['AAPL'])).to.include(Number(one!.seq));
  });

  for (const sort of ['asc', 'desc']) {
    it(`are on one page each, ${sort}`, async () => {
      const together: Record<string, number[]> = {};
      let token: string | null = null;
      do {
        const query: string = token === null ? '' : `&page_token=${token}`;
        const one: Page = await page(
          `/v2/stocks/trades?symbols=AAPL,MSFT,KO&limit=77&sort=${sort}${query}`,
        );
        for (const [symbol, trades] of Object.entries(one.trades)) {
          together[symbol] = [...(together[symbol] ?? []), ...numbersOf(trades)];
        }
        token = one.next_page_token;
        const size = Object.values(one.trades).flat().length;
        if (token !== null) expect(size).to.equal(77);
      } while (token !== null);
      for (const symbol of STOCKS) {
        const wanted = await numbers(symbol);
        expect(together[symbol]).to.deep.equal(sort === 'asc' ? wanted : wanted.reverse());
      }
      expect(Object.keys(together)).to.deep.equal(STOCKS);
    });
  }

  it('have a latest one, whether or not the bars have reached it', async () => {
    const last = (await tradesOf(trading, 'AAPL')).at(-1)!;
    const one = await get('/v2/stocks/AAPL/trades/latest');
    expect(one.body).to.deep.include({ symbol: 'AAPL' });
    expect(one.body.trade).to.include({ i: Number(last.seq), x: 'Q' });
    const some = await page('/v2/stocks/trades/latest?symbols=AAPL,JPM,NOPE');
    expect(some.trades).to.deep.equal({ AAPL: one.body.trade });
    expectProblem(await get('/v2/stocks/JPM/trades/latest'), 404, 40410000);
    expectProblem(await get('/v2/stocks/NOPE/trades/latest'), 404, 40410000);
  });

  it('in crypto are public, and tell the side of the taker', async () => {
    const { status, body } = await api.call(
      'GET',
      '/v1beta3/crypto/us/trades?symbols=BTC/USD&limit=10000',
    );
    expect(status).to.equal(200);
    const { trades } = body as Page;
    expect(numbersOf(trades['BTC/USD'])).to.deep.equal(await numbers('BTC/USD'));
    const sides = await trading.container.db
      .knex('executions')
      .where({ asset_id: trading.container.catalog.find('BTC/USD')!.id })
      .orderBy('seq')
      .select<{ side: string }[]>('taker_side as side');
    const told = trades['BTC/USD'] as (WireTrade & { tks: string })[];
    expect(told.map(({ tks }) => tks)).to.deep.equal(
      sides.map(({ side }) => (side === 'buy' ? 'B' : 'S')),
    );
    const latest = await get('/v1beta3/crypto/us/latest/trades?symbols=BTC/USD,ETH/USD');
    expect(latest.body.trades).to.deep.equal({ 'BTC/USD': trades['BTC/USD']!.at(-1) });
  });

  it('of one stock are a list', async () => {
    const { body } = await get('/v2/stocks/AAPL/trades?limit=3&sort=desc');
    expect(body.symbol).to.equal('AAPL');
    expect(numbersOf(body.trades)).to.deep.equal((await numbers('AAPL')).reverse().slice(0, 3));
    const more = await get(
      `/v2/stocks/AAPL/trades?limit=3&sort=desc&page_token=${body.next_page_token as string}`,
    );
    expect(numbersOf(more.body.trades)).to.deep.equal(
      (await numbers('AAPL')).reverse().slice(3, 6),
    );
    const none = await get('/v2/stocks/NOPE/trades');
    expect(none.body).to.deep.equal({ symbol: 'NOPE', trades: [], next_page_token: null });
  });

  it('that orders have just made are there at once', async () => {
    const api2 = await startApi(trading);
    await trading.place({ account: 0, side: 'sell', qty: '1.5', price: '150', symbol: 'AAPL' });
    await trading.place({ account: 1, side: 'buy', qty: '1.5', price: '150', symbol: 'AAPL' });
    await trading.settle();
    const path = '/v2/stocks/AAPL/trades';
    const { body } = await api2.call('GET', path, { as: trading.accounts[0] });
    await api2.stop();
    const { trades } = body as { trades: WireTrade[] };
    expect(trades.at(-1)).to.include({ p: 150, s: 1.5 });
  });

  it('are asked for as the wire contract has it', async () => {
    for (const [query, field] of Object.entries({
      '': 'symbols',
      'symbols=AAPL&timeframe=1Day': 'timeframe',
      'symbols=AAPL&start=2026-03-21T00:00:00Z&end=2026-03-20T00:00:00Z': 'start',
      'symbols=AAPL&end=noon': 'end',
      'symbols=AAPL&page_token=QUFQTHx4': 'page_token',
    })) {
      const answer = await get(`/v2/stocks/trades?${query}`);
      expectProblem(answer, 422, 42210000);
      expect(answer.body.errors[0].field, query).to.equal(field);
    }
    expectProblem(await get('/v2/stocks/a-b/trades'), 422, 42210000);
    expectProblem(await api.call('GET', '/v2/stocks/trades?symbols=AAPL'), 401, 40110000);
  });
});
