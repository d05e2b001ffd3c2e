import { expect } from 'chai';
import type { MarketHours } from '../../src/domain/clock.js';
import { presentBar } from '../../src/market/bars-presenter.js';
import { seededRandom } from '../../src/domain/seeded-random.js';
import { expectProblem, startApi, type Api } from '../support/api.js';
import { DocumentedAnswers } from '../support/documented-answers.js';
import {
  advanceAll,
  barsOf,
  randomTrades,
  tradesOf,
  writeTrades,
} from '../support/market-trades.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';

type WireBar = ReturnType<typeof presentBar>;
interface Page {
  bars: Record<string, WireBar[]>;
  next_page_token: string | null;
}

const STOCKS = ['AAPL', 'MSFT'];
const FROM = new Date('2025-11-20T00:00:00Z');
const NOW = new Date('2026-03-20T15:00:30Z');
const ALL = 'start=2025-01-01&end=2026-12-31&limit=10000';
const DAY = 86_400_000;
const TIMEFRAMES = [
  ...['1Min', '7Min', '15T', '59Min', '1Hour', '4H', '23Hour', '1Day', '1D', '1Week', '1W'],
  ...['1Month', '2Month', '3M', '4Month', '6Month', '12Month'],
];

describe('bars', () => {
  let trading: Trading;
  let api: Api;
  let answers: DocumentedAnswers;
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = seededRandom(seed);

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading, { now: () => NOW });
    answers = await DocumentedAnswers.of(api, trading.accounts[0]!);
    for (const symbol of [...STOCKS, 'BTC/USD']) {
      // Some together, some hours apart, through the night in which New York's clocks go forward.
      const crowd = randomTrades(symbol, 300, { from: FROM, gapMs: 20_000, random });
      const others = randomTrades(symbol, 700, {
        from: FROM,
        gapMs: (119 * DAY * 2) / 700,
        random,
      });
      const all = [...crowd, ...others.filter(({ executedAt }) => executedAt < NOW)];
      all.sort((a, b) => a.executedAt.getTime() - b.executedAt.getTime());
      await writeTrades(trading, all);
    }
    await advanceAll(trading.container.db.knex);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const get = (path: string) => answers.get(path);
  const page = (path: string, by?: Api) => answers.page<Page>(path, by);
  const expected = async (symbol: string, timeframe: string, hours: MarketHours = 'always') =>
    barsOf(await tradesOf(trading, symbol), timeframe, hours).map(presentBar);

  for (const timeframe of TIMEFRAMES) {
    it(`of ${timeframe} are those of the trades`, async () => {
      const stocks = await page(`/v2/stocks/bars?symbols=MSFT,AAPL&timeframe=${timeframe}&${ALL}`);
      expect(Object.keys(stocks.bars)).to.deep.equal(STOCKS);
      for (const symbol of STOCKS) {
        const note = `seed ${seed}`;
        expect(stocks.bars[symbol], note).to.deep.equal(await expected(symbol, timeframe));
      }
      const path = `/v1beta3/crypto/us/bars?symbols=BTC/USD&timeframe=${timeframe}&${ALL}`;
      const crypto = await page(path);
      expect(crypto.bars['BTC/USD']).to.deep.equal(await expected('BTC/USD', timeframe));
    });
  }

  for (const timeframe of ['1Min', '13Min', '6Hour', '1Day', '1Week', '2Month']) {
    for (const sort of ['asc', 'desc'] as const) {
      it(`of ${timeframe} are on one page each, ${sort}`, async () => {
        const query = `symbols=AAPL,MSFT&timeframe=${timeframe}&${ALL}&sort=${sort}`;
        const whole = await page(`/v2/stocks/bars?${query}`);
        for (const symbol of STOCKS) {
          const bars = await expected(symbol, timeframe);
          const sorted = sort === 'asc' ? bars : bars.reverse();
          expect(whole.bars[symbol], `seed ${seed}`).to.deep.equal(sorted);
        }
        const limit = timeframe === '1Min' ? 301 : timeframe === '13Min' ? 97 : 3;
        const pages = await readPages(`/v2/stocks/bars?${query}&limit=${limit}`, limit);
        expect(pages).to.deep.equal(whole.bars);
      });
    }
  }

  /** All pages put together; all but the last are full. */
  async function readPages(path: string, limit: number): Promise<Page['bars']> {
    const together: Page['bars'] = {};
    let token: string | null = null;
    do {
      const query: string = token === null ? '' : `&page_token=${token}`;
      const one: Page = await page(path.replace('&limit=10000', '') + query);
      let size = 0;
      for (const [symbol, bars] of Object.entries(one.bars)) {
        together[symbol] = [...(together[symbol] ?? []), ...bars];
        size += bars.length;
      }
      token = one.next_page_token;
      if (token !== null) expect(size).to.equal(limit);
    } while (token !== null);
    return together;
  }

  it('are those whose span begins between start and end, both included', async () => {
    for (const timeframe of ['1Min', '10Min', '3Hour', '1Day', '1Week', '1Month']) {
      const all = await expected('AAPL', timeframe);
      const [first, last] = [all[1]!.t, all.at(-2)!.t];
      for (const sort of ['asc', 'desc']) {
        const query = `timeframe=${timeframe}&start=${first}&end=${last}&limit=10000&sort=${sort}`;
        const { body } = await get(`/v2/stocks/AAPL/bars?${query}`);
        const within = all.slice(1, -1);
        const sorted = sort === 'asc' ? within : within.reverse();
        expect(body, `${timeframe} ${sort}`).to.deep.equal({
          symbol: 'AAPL',
          bars: sorted,
          next_page_token: null,
        });
        const between = new Date(new Date(first).getTime() + 1_000).toISOString();
        const later = await get(`/v2/stocks/AAPL/bars?${query.replace(first, between)}`);
        expect(later.body.bars).to.have.lengthOf(within.length - 1);
      }
    }
  });

  it('are those of today when no time is asked for', async () => {
    await writeTrades(trading, [
      {
        symbol: 'KO',
        price: usd('60.25'),
        qty: shares('2.5'),
        executedAt: new Date('2026-03-19T23:59:59Z'),
      },
      {
        symbol: 'KO',
        price: usd('61'),
        qty: shares('1'),
        executedAt: new Date('2026-03-20T00:00:00Z'),
      },
    ]);
    await advanceAll(trading.container.db.knex);
    const { bars } = await page('/v2/stocks/bars?symbols=KO&timeframe=1Day');
    expect(bars).to.deep.equal({
      KO: [{ t: '2026-03-20T00:00:00Z', o: 61, h: 61, l: 61, c: 61, v: 1, n: 1, vw: 61 }],
    });
    const days = 'start=2026-03-19&end=2026-03-20';
    const both = await page(`/v2/stocks/bars?symbols=KO&timeframe=1Day&${days}`);
    expect(both.bars['KO']).to.have.lengthOf(2);
    expect(both.bars['KO']![0]).to.include({ v: 2.5, vw: 60.25 });
  });

  it('have a latest minute', async () => {
    const last = (await expected('AAPL', '1Min')).at(-1);
    const one = await get('/v2/stocks/AAPL/bars/latest?feed=iex');
    expect(one.body).to.deep.equal({ symbol: 'AAPL', bar: last });
    const some = await get('/v2/stocks/bars/latest?symbols=AAPL,JPM,NOPE,BTC/USD');
    expect(some.body).to.deep.equal({ bars: { AAPL: last } });
    expectProblem(await get('/v2/stocks/JPM/bars/latest'), 404, 40410000);
    expectProblem(await get('/v2/stocks/NOPE/bars/latest'), 404, 40410000);
    const path = '/v1beta3/crypto/us/latest/bars?symbols=BTC/USD,AAPL';
    const { status, body } = await api.call('GET', path); // nobody needs to log in
    expect(status).to.equal(200);
    const coin = (await expected('BTC/USD', '1Min')).at(-1);
    expect(body).to.deep.equal({ bars: { 'BTC/USD': coin } });
  });

  it('are none of what is not traded here', async () => {
    const none = { bars: {}, next_page_token: null };
    const query = `timeframe=1Day&${ALL}`;
    expect(await page(`/v2/stocks/bars?symbols=NOPE,BTC/USD&${query}`)).to.deep.equal(none);
    expect(await page(`/v1beta3/crypto/us/bars?symbols=AAPL&${query}`)).to.deep.equal(none);
    const { body } = await get(`/v2/stocks/NOPE/bars?${query}`);
    expect(body).to.deep.equal({ symbol: 'NOPE', bars: [], next_page_token: null });
  });

  it('are asked for as the wire contract has it', async () => {
    const wrong = {
      'symbols=AAPL': 'timeframe',
      'symbols=AAPL&timeframe=60Min': 'timeframe',
      'symbols=AAPL&timeframe=24H': 'timeframe',
      'symbols=AAPL&timeframe=2Day': 'timeframe',
      'symbols=AAPL&timeframe=5Month': 'timeframe',
      'symbols=AAPL&timeframe=0Min': 'timeframe',
      'timeframe=1Day': 'symbols',
      'symbols=A,,B&timeframe=1Day': 'symbols',
      'symbols=AAPL&timeframe=1Day&limit=0': 'limit',
      'symbols=AAPL&timeframe=1Day&limit=10001': 'limit',
      'symbols=AAPL&timeframe=1Day&start=yesterday': 'start',
      'symbols=AAPL&timeframe=1Day&start=2026-02-30': 'start',
      'symbols=AAPL&timeframe=1Day&start=2026-02-02&end=2026-02-01': 'start',
      'symbols=AAPL&timeframe=1Day&sort=up': 'sort',
      'symbols=AAPL&timeframe=1Day&feed=moon': 'feed',
      'symbols=AAPL&timeframe=1Day&adjustment=none': 'adjustment',
      'symbols=AAPL&timeframe=1Day&asof=now': 'asof',
      'symbols=AAPL&timeframe=1Day&currency=EUR': 'currency',
      'symbols=AAPL&timeframe=1Day&page_token=x': 'page_token',
    };
    for (const [query, field] of Object.entries(wrong)) {
      const answer = await get(`/v2/stocks/bars?${query}`);
      expectProblem(answer, 422, 42210000);
      expect(answer.body.errors[0].field, query).to.equal(field);
    }
    const { next_page_token: token } = await page(
      `/v2/stocks/bars?symbols=AAPL&timeframe=1Min&${ALL.replace('10000', '1')}`,
    );
    for (const path of [
      `/v2/stocks/bars?symbols=MSFT&timeframe=1Min&page_token=${token}`,
      `/v2/stocks/trades?symbols=AAPL&page_token=${token}`,
    ]) {
      expectProblem(await get(path), 422, 42210000);
    }
    const fine =
      'symbols=aapl&timeframe=1Day&feed=sip&adjustment=split,dividend&asof=2026-01-01&currency=USD';
    expect((await get(`/v2/stocks/bars?${fine}`)).status).to.equal(200);
    expectProblem(await api.call('GET', '/v2/stocks/bars'), 401, 40110000);
  });

  it("begin their days in New York in the exchanges' hours", async () => {
    const nyse = await startApi(trading, { settings: { marketHours: 'nyse' }, now: () => NOW });
    await trading.asOwner('truncate market_bars, market_tape');
    await advanceAll(trading.container.db.knex, 'nyse');
    for (const timeframe of ['1Hour', '1Day', '1Week', '1Month', '3Month', '12Month']) {
      const query = `timeframe=${timeframe}&${ALL}`;
      const stocks = await page(`/v2/stocks/bars?symbols=AAPL&${query}`, nyse);
      const bars = await expected('AAPL', timeframe, 'nyse');
      expect(stocks.bars['AAPL'], `${timeframe}, seed ${seed}`).to.deep.equal(bars);
      const crypto = await page(`/v1beta3/crypto/us/bars?symbols=BTC/USD&${query}`, nyse);
      expect(crypto.bars['BTC/USD']).to.deep.equal(await expected('BTC/USD', timeframe));
    }
    const day = 'symbols=KO&timeframe=1Day&start=2026-03-19&end=2026-03-19';
    const { bars } = await page(`/v2/stocks/bars?${day}`, nyse);
    expect(bars['KO']).to.have.lengthOf(1);
    expect(bars['KO']![0]).to.include({ t: '2026-03-19T04:00:00Z', n: 2 });
    await nyse.stop();
  });
});
