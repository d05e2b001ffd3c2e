import { expect } from 'chai';
import { marketDay, tradingDay } from '../../src/domain/calendar.js';
import type { Bar } from '../../src/market/bars-model.js';
import { makeHistory, seedHistory } from '../../src/market/history.js';
import { spanStart } from '../support/market-trades.js';
import { startTrading, usd, type Trading } from '../support/trading.js';

const NOW = new Date('2026-11-25T16:20:30Z');
const DAY = 86_400_000;
const HOUR = 3_600_000;
const SECOND = 1_000;
const AAPL = { symbol: 'AAPL', class: 'us_equity', price: usd('150') } as const;
const BTC = { symbol: 'BTC/USD', class: 'crypto', price: usd('60000') } as const;

describe('a made-up past', () => {
  for (const hours of ['always', 'nyse'] as const) {
    for (const asset of [AAPL, BTC]) {
      const zone = asset === BTC ? 'always' : hours;

      it(`of ${asset.symbol} ends at what it costs now, with MARKET_HOURS=${hours}`, () => {
        const history = makeHistory(asset, hours, NOW);
        for (const bars of Object.values(history)) {
          expect(bars[0]!.close).to.equal(asset.price);
          bars.forEach(expectSound);
          const times = bars.map(({ startsAt }) => startsAt.getTime());
          expect(new Set(times)).to.have.lengthOf(times.length);
          expect(times).to.deep.equal([...times].sort((a, b) => b - a));
          bars.slice(1).forEach((bar, at) => expect(bar.close).to.equal(bars[at]!.open));
        }
        const perDay = zone === 'always' ? 1 : 252 / 365;
        expect(history['1Day'].length).to.be.within(360 * perDay, 367 * perDay);
        expect(history['1Hour'].length).to.be.within(5 * (zone === 'always' ? 24 : 7), 6 * 24);
        expect(history['1Min'].length).to.be.within(100, 1_500);
      });

      it(`of ${asset.symbol} has days that are those of its hours, with MARKET_HOURS=${hours}`, () => {
        const history = makeHistory(asset, hours, NOW);
        const today = history['1Hour'].filter(
          ({ startsAt }) =>
            spanStart(startsAt, '1Day', zone).getTime() === spanStart(NOW, '1Day', zone).getTime(),
        );
        const [day] = history['1Day'];
        expect(day!.startsAt).to.deep.equal(spanStart(NOW, '1Day', zone));
        expect(day).to.include({ open: today.at(-1)!.open, close: today[0]!.close });
        expect(day!.volume).to.equal(today.reduce((sum, { volume }) => sum + volume, 0n));
        for (const { startsAt } of history['1Min']) {
          const trading = tradingDay(marketDay(startsAt, zone), zone)!;
          expect(startsAt >= trading.open && startsAt < trading.close).to.equal(true);
          expect(startsAt.getTime()).to.be.at.least(NOW.getTime() - DAY - HOUR);
          expect(startsAt.getTime()).to.be.below(NOW.getTime());
        }
      });
    }
  }

  it('is the same each time, and another for each asset', () => {
    expect(makeHistory(AAPL, 'always', NOW)).to.deep.equal(makeHistory(AAPL, 'always', NOW));
    const msft = makeHistory({ ...AAPL, symbol: 'MSFT' }, 'always', NOW);
    expect(msft).not.to.deep.equal(makeHistory(AAPL, 'always', NOW));
  });

  describe('in the database', () => {
    let trading: Trading;
    before(async () => {
      trading = await startTrading(0);
    });
    after(() => trading.stop());

    it('is given to assets that have no bars, quickly, and only once', async () => {
      const { knex } = trading.container.db;
      const count = async () => {
        const rows = await knex('market_bars').count('* as count').groupBy('asset_id');
        return rows.map((row) => Number(row.count));
      };
      const startedAt = performance.now();
      await seedHistory(knex, 'always', NOW);
      const tookMs = performance.now() - startedAt;
      process.stdout.write(`      made up in ${Math.round(tookMs)} ms\n`);
      expect(tookMs).to.be.below(5 * SECOND);
      const counts = await count();
      expect(counts).to.have.lengthOf(22);
      for (const one of counts) expect(one).to.be.greaterThan(1_800);
      await seedHistory(knex, 'always', new Date(NOW.getTime() + DAY));
      expect(await count()).to.have.members(counts);
    });
  });
});

function expectSound({ open, high, low, close, volume, value, trades }: Bar): void {
  const ends = [open, close].sort((a, b) => (a < b ? -1 : 1));
  expect(low <= ends[0]! && ends[1]! <= high && low > 0n).to.equal(true);
  expect(volume > 0n && value > 0n && trades > 0).to.equal(true);
}
