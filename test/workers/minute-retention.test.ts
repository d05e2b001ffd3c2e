import { expect } from 'chai';
import { seededRandom } from '../../src/domain/seeded-random.js';
import { deleteOldMinutes } from '../../src/market/minute-retention.js';
import { readTrades } from '../../src/market/trades-model.js';
import { advanceAll, randomTrades, writeTrades } from '../support/market-trades.js';
import { startTrading, type Trading } from '../support/trading.js';
import { runUpkeep } from '../support/upkeep.js';

const KEPT_DAYS = 30;
const NOW = new Date('2026-03-31T15:00:30Z');
/** Midnight of the first day whose minutes stay. */
const SINCE = new Date('2026-03-01T00:00:00Z');
const HOUR_MS = 3_600_000;

describe('the retention of minutes', () => {
  let trading: Trading;
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = seededRandom(seed);

  beforeEach(async () => {
    trading = await startTrading(1);
    const from = new Date(SINCE.getTime() - 12 * HOUR_MS);
    // The clocks of the machines that wrote them differ by up to a hundred seconds.
    const written = randomTrades('AAPL', 800, { from, gapMs: 200_000, random }).map((trade) => ({
      ...trade,
      executedAt: new Date(trade.executedAt.getTime() + Math.floor(random() * 100_000)),
    }));
    const old = randomTrades('KO', 20, { from: new Date('2025-01-10'), gapMs: 200_000, random });
    await writeTrades(trading, [...old, ...written]);
    await advanceAll(knex());
  });
  afterEach(() => trading.stop());

  const knex = () => trading.container.db.knex;
  const idOf = (symbol: string) => trading.container.catalog.find(symbol)!.id;
  const startsOf = async (symbol: string, timeframe: string): Promise<Date[]> => {
    const rows = await knex()('market_bars')
      .where({ asset_id: idOf(symbol), timeframe })
      .orderBy('starts_at')
      .select<{ at: Date }[]>('starts_at as at');
    return rows.map(({ at }) => at);
  };

  it('deletes what is old, but no hour, no day and no latest minute', async () => {
    const before = new Map<string, Date[]>();
    for (const symbol of ['AAPL', 'KO'])
      for (const timeframe of ['1Min', '1Hour', '1Day'])
        before.set(symbol + timeframe, await startsOf(symbol, timeframe));
    const minutes = before.get('AAPL1Min')!;
    const young = minutes.filter((at) => at >= SINCE);
    expect([young.length, minutes.length - young.length].every((n) => n > 100)).to.equal(true);

    const deleted = await deleteOldMinutes(knex(), NOW, KEPT_DAYS);

    const ofKo = before.get('KO1Min')!;
    expect(deleted, `seed ${seed}`).to.equal(minutes.length - young.length + ofKo.length - 1);
    expect(await startsOf('AAPL', '1Min')).to.deep.equal(young);
    expect(await startsOf('KO', '1Min')).to.deep.equal(ofKo.slice(-1));
    for (const symbol of ['AAPL', 'KO'])
      for (const timeframe of ['1Hour', '1Day'])
        expect(await startsOf(symbol, timeframe)).to.deep.equal(before.get(symbol + timeframe));
    expect(await deleteOldMinutes(knex(), NOW, KEPT_DAYS)).to.equal(0);
  });

  it('leaves the trades of that time to be found as before', async () => {
    const hours = [-13, -11.7, -6, -0.02, 0, 0.3, 5, 40];
    const times = hours.map((hour) => new Date(SINCE.getTime() + hour * HOUR_MS));
    const ranges = times.flatMap((start, n) =>
      times.slice(n).flatMap((end) => [
        { start, end, sort: 'asc' as const, after: null, limit: 1_000 },
        { start, end, sort: 'desc' as const, after: null, limit: 50 },
      ]),
    );
    const all = () => Promise.all(ranges.map((range) => readTrades(knex(), idOf('AAPL'), range)));
    const before = await all();
    expect(before.flat().length).to.be.greaterThan(5_000);
    await deleteOldMinutes(knex(), NOW, KEPT_DAYS);
    expect(await all(), `seed ${seed}`).to.deep.equal(before);
  });

  it('is among the upkeep, as long as MARKET_MINUTES_KEPT_DAYS says', async () => {
    const days = (Date.now() - SINCE.getTime()) / (24 * HOUR_MS);
    await runUpkeep('minute-retention', trading, { minutesKeptDays: Math.ceil(days) + 2 });
    expect((await startsOf('AAPL', '1Min'))[0]! < SINCE).to.equal(true);
    await runUpkeep('minute-retention', trading, { minutesKeptDays: Math.floor(days) });
    expect((await startsOf('AAPL', '1Min'))[0]! >= SINCE).to.equal(true);
  });
});
