import { expect } from 'chai';
import pg from 'pg';
import type { MarketHours } from '../../src/domain/clock.js';
import { formatDecimal, QTY_SCALE } from '../../src/domain/money.js';
import type { Bar } from '../../src/market/bars-model.js';
import { seededRandom } from '../../src/domain/seeded-random.js';
import { NewTrades } from '../../src/market/new-trades.js';
import { advanceTape } from '../../src/market/tape.js';
import { eventually } from '../support/eventually.js';
import {
  advanceAll,
  barsOf,
  randomTrades,
  tradesOf,
  writeTrades,
  type NewTrade,
} from '../support/market-trades.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';

const KEPT = ['1Min', '1Hour', '1Day'] as const;
const SYMBOLS = ['AAPL', 'MSFT', 'BTC/USD'];
const SMALL = 40;

describe('the tape of trades', () => {
  let trading: Trading;
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = seededRandom(seed);

  before(async () => {
    trading = await startTrading(4);
  });
  after(() => trading.stop());
  beforeEach(() =>
    trading.asOwner(`
      set session_replication_role = replica;
      truncate market_bars, market_tape;
      delete from executions`),
  );

  const knex = () => trading.container.db.knex;
  const kept = (symbol: string, timeframe: string): Promise<Bar[]> =>
    knex()('market_bars')
      .where({ asset_id: trading.container.catalog.find(symbol)!.id, timeframe })
      .orderBy('starts_at')
      .select('starts_at as startsAt', 'open', 'high', 'low', 'close', 'volume', 'value', 'trades');

  async function expectBarsOfAll(hours: MarketHours = 'always'): Promise<void> {
    for (const symbol of SYMBOLS) {
      const trades = await tradesOf(trading, symbol);
      const zone = symbol === 'BTC/USD' ? 'always' : hours;
      for (const timeframe of KEPT) {
        const note = `${symbol} ${timeframe}, seed ${seed}`;
        expect(await kept(symbol, timeframe), note).to.deep.equal(barsOf(trades, timeframe, zone));
      }
    }
  }

  const someTrades = (count: number): NewTrade[] =>
    SYMBOLS.flatMap((symbol) =>
      randomTrades(symbol, count, { from: new Date('2026-03-06T20:00:00Z'), gapMs: 3e6, random }),
    ).sort((a, b) => a.executedAt.getTime() - b.executedAt.getTime());

  it('has the bars of what was traded, whenever it was looked at in between', async () => {
    const below = (max: number) => Math.floor(random() * max);
    let seen = 0;
    for (let round = 0; round < 6; round += 1) {
      for (let n = 0; n < 40; n += 1) {
        const [symbol, around] = [['AAPL', 149] as const, ['MSFT', 409] as const][below(2)]!;
        const order = trading.place({
          account: below(4),
          side: below(2) === 0 ? 'buy' : 'sell',
          symbol,
          qty: formatDecimal(BigInt(1 + below(3e9)), QTY_SCALE),
          price: (around + below(300) / 100).toFixed(2),
          timeInForce: n % 2 === 0 ? 'gtc' : 'ioc',
        });
        await order.catch(() => undefined); // one that would trade with its own account
      }
      await trading.settle();
      seen += (await advanceTape(knex(), 'always')).trades;
    }
    const { length } = await knex()('executions').select('id');
    expect(length, `seed ${seed}`).to.be.greaterThan(20);
    expect(seen).to.equal(length);
    await expectBarsOfAll();
  });

  it('takes what there is in rounds, and says when there is more', async () => {
    await writeTrades(trading, someTrades(100));
    const sizes: number[] = [];
    for (let more = true; more;) {
      const { trades, hasMore } = await advanceTape(knex(), 'nyse', SMALL);
      sizes.push(trades);
      more = hasMore;
    }
    expect(Math.max(...sizes)).to.equal(SYMBOLS.length * SMALL);
    expect(sizes.reduce((sum, size) => sum + size, 0)).to.equal(300);
    await expectBarsOfAll('nyse'); // through the night in which its clocks go forward
    expect((await advanceTape(knex(), 'nyse')).trades).to.equal(0);
  });

  it('tells which bars have changed, as they are then', async () => {
    const at = (time: string, price: string) => ({
      symbol: 'AAPL',
      price: usd(price),
      qty: shares('2'),
      executedAt: new Date(time),
    });
    await writeTrades(trading, [
      at('2026-07-01T03:59:30Z', '150'),
      at('2026-07-01T03:59:40Z', '151'),
    ]);
    await advanceTape(knex(), 'nyse');
    await writeTrades(trading, [at('2026-07-01T03:59:50Z', '149')]);
    const { bars } = await advanceTape(knex(), 'nyse');
    const figures = { open: usd('150'), high: usd('151'), low: usd('149'), close: usd('149') };
    const sums = { volume: shares('6'), value: usd('900'), trades: 3 };
    const assetId = trading.container.catalog.find('AAPL')!.id;
    const bar = { assetId, ...figures, ...sums };
    expect(bars).to.have.deep.members([
      { ...bar, timeframe: '1Min', startsAt: new Date('2026-07-01T03:59:00Z') },
      { ...bar, timeframe: '1Hour', startsAt: new Date('2026-07-01T03:00:00Z') },
      { ...bar, timeframe: '1Day', startsAt: new Date('2026-06-30T04:00:00Z') },
    ]);
  });

  it('is read trade by trade from where the bars end, each once, and by asset', async () => {
    await writeTrades(trading, someTrades(20));
    await advanceTape(knex(), 'always');
    const reader = new NewTrades(trading.container.db);
    const ids = SYMBOLS.map((symbol) => trading.container.catalog.find(symbol)!.id);
    expect(await reader.read(ids)).to.deep.equal({ trades: [], unfinished: [] });
    await writeTrades(trading, someTrades(1_010));
    const added = await knex()('executions').orderBy('seq').offset(60).select('id', 'taker_side');
    const expected = added.map((row) => [row.id, row.taker_side]);
    const first = await reader.read(ids.slice(0, 2));
    expect(first.unfinished).to.have.members(ids.slice(0, 2));
    const rest = await reader.read(ids);
    expect(rest.unfinished).to.deep.equal([ids[2]]);
    const last = await reader.read(ids);
    expect(last.unfinished).to.deep.equal([]);
    const all = [first, rest, last].flatMap(({ trades }) => trades);
    const seen = all.map(({ executionId, takerSide }) => [executionId, takerSide]);
    expect(seen).to.have.lengthOf(3_030);
    expect(seen).to.have.deep.members(expected);
    expect((await reader.read(ids)).trades).to.deep.equal([]);
    reader.forget(); // and begins again where the bars end
    expect((await reader.read(ids.slice(2))).trades).to.have.lengthOf(1_000);
  });

  it('replaces a bar that was made up', async () => {
    await knex()('market_bars').insert({
      asset_id: trading.container.catalog.find('AAPL')!.id,
      timeframe: '1Day',
      starts_at: '2026-03-06T00:00:00Z',
      ...{ open: 1, high: 9_000_000, low: 1, close: 1, volume: 1, value: 1, trades: 7 },
    });
    await writeTrades(trading, someTrades(30));
    await advanceAll(knex());
    await expectBarsOfAll();
  });

  it('counts every trade once when two do it at once', async () => {
    await writeTrades(trading, someTrades(150));
    let seen = 0;
    const advancer = async () => {
      for (let idle = 0; idle < 3;) {
        const { trades } = await advanceTape(knex(), 'always', SMALL);
        seen += trades;
        idle = trades === 0 ? idle + 1 : 0;
      }
    };
    await Promise.all([advancer(), advancer(), advancer()]);
    await advanceAll(knex());
    expect(seen).to.equal(450);
    await expectBarsOfAll();
  });

  it('counts every trade once when it is killed midway', async () => {
    await writeTrades(trading, someTrades(40));
    await advanceTape(knex(), 'always', SMALL / 4);
    const other = new pg.Client({ connectionString: trading.container.config.databaseUrl });
    await other.connect();
    await other.query('begin; lock table market_bars in share row exclusive mode');
    const killed = advanceTape(knex(), 'always').then(
      () => 'committed',
      () => 'killed',
    );
    await eventually(async () => {
      const { rowCount } = await other.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'`,
      );
      expect(rowCount).to.equal(1);
    });
    await other.query('rollback');
    await other.end();
    expect(await killed).to.equal('killed');
    await advanceAll(knex());
    await expectBarsOfAll();
  });
});
