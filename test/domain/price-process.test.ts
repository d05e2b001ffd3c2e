import { expect } from 'chai';
import { ASSETS } from '../../src/commands/seed-assets.js';
import { nyseSession, type MarketHours } from '../../src/domain/clock.js';
import {
  MARKET_VOLATILITY,
  PriceProcess,
  type PricedAsset,
  type PriceTerms,
} from '../../src/domain/price-process.js';
import { VolatilityClock } from '../../src/domain/volatility-clock.js';
import { priceTermsOf } from '../../src/market/price-terms.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const START = 1_000_000_000n; // 100,000 dollars: rounding to the tick is no noise then
const MONDAY = new Date('2026-03-02T00:00:00Z');

const stock = (symbol: string, more: Partial<PriceTerms> = {}): PriceTerms => ({
  symbol,
  class: 'us_equity',
  sector: symbol,
  beta: 1,
  volatility: 0.25,
  ...more,
});
const TERMS: readonly PriceTerms[] = [
  stock('MEGA', { sector: 'technology', beta: 1.2 }),
  stock('GIGA', { sector: 'technology', beta: 1.2 }),
  stock('SODA', { sector: 'staples', beta: 0.9 }),
  { symbol: 'COIN', class: 'crypto', sector: 'coins', beta: 1, volatility: 0.6 },
];

const plus = (time: Date, ms: number): Date => new Date(time.getTime() + ms);

/** The weekdays of the NYSE from a day on. */
function sessions(count: number, from = MONDAY) {
  const found: { open: Date; close: Date }[] = [];
  for (let day = from; found.length < count; day = plus(day, DAY_MS)) {
    const session = nyseSession(day);
    if (session) found.push(session);
  }
  return found;
}

/** Runs a market; each of the times is a step. */
class Run {
  private readonly process: PriceProcess;
  private assets: PricedAsset[];
  readonly paths = new Map<string, number[]>();

  constructor(
    seed: string,
    hours: MarketHours,
    terms: readonly PriceTerms[] = TERMS,
    price = START,
    tick = 100n,
  ) {
    this.process = new PriceProcess(seed, hours);
    this.assets = terms.map((one) => ({ ...one, price, previousClose: price, tick }));
  }

  step(now: Date): Map<string, bigint> {
    const prices = this.process.step(this.assets, now);
    this.assets = this.assets.map((asset) => ({ ...asset, price: prices.get(asset.symbol)! }));
    for (const [symbol, price] of prices) {
      const path = this.paths.get(symbol) ?? [];
      path.push(Number(price));
      this.paths.set(symbol, path);
    }
    return prices;
  }

  walk(from: Date, steps: number, everyMs: number): this {
    for (let step = 0; step < steps; step += 1) this.step(plus(from, step * everyMs));
    return this;
  }

  close(): void {
    this.assets = this.assets.map((asset) => ({ ...asset, previousClose: asset.price }));
  }

  returns(symbol: string): number[] {
    const path = this.paths.get(symbol)!;
    return path.slice(1).map((price, at) => Math.log(price / path[at]!));
  }
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: readonly number[]): number => mean(values.map((value) => value ** 2));
const correlation = (a: readonly number[], b: readonly number[]): number =>
  mean(a.map((value, at) => value * b[at]!)) / Math.sqrt(variance(a) * variance(b));

describe('simulated prices', () => {
  it('are the same for the same seed, start and times, and others for another seed', () => {
    const run = (seed: string) => new Run(seed, 'always').walk(MONDAY, 500, 1_000).paths;
    expect(run('7')).to.deep.equal(run('7'));
    expect(run('7')).not.to.deep.equal(run('8'));
  });

  it('do not depend on the other assets, nor on their order', () => {
    const all = new Run('7', 'always').walk(MONDAY, 100, 1_000).paths;
    const more = [stock('NEWCO', { sector: 'technology' }), ...TERMS.toReversed()];
    const other = new Run('7', 'always', more).walk(MONDAY, 100, 1_000).paths;
    for (const { symbol } of TERMS) expect(other.get(symbol)).to.deep.equal(all.get(symbol));
  });

  it('stand still at the first step, move at the next, and are on the tick', () => {
    const run = new Run('7', 'always', TERMS, 1_500_000n);
    expect([...run.step(MONDAY).values()]).to.deep.equal(TERMS.map(() => 1_500_000n));
    const later = [...run.step(plus(MONDAY, DAY_MS)).values()];
    for (const price of later)
      expect([price === 1_500_000n, price % 100n]).to.deep.equal([false, 0n]);
  });

  it('go on from a price that somebody else has set', () => {
    const process = new PriceProcess('7', 'always');
    const asset = { ...TERMS[0]!, previousClose: START, tick: 100n };
    process.step([{ ...asset, price: START }], MONDAY);
    const [next] = process.step([{ ...asset, price: START / 2n }], plus(MONDAY, 1_000)).values();
    expect(Number(next)).to.be.closeTo(Number(START / 2n), Number(START / 200n));
  });

  it('are never below one tick', () => {
    const wild = [stock('PENNY', { volatility: 50 })];
    const run = new Run('7', 'always', wild, 200n).walk(MONDAY, 2_000, DAY_MS);
    expect(Math.min(...run.paths.get('PENNY')!)).to.equal(100);
  });

  it('have the volatility of their terms, around the clock', () => {
    const run = new Run('vol', 'always').walk(MONDAY, 20_000, MINUTE_MS);
    for (const { symbol, volatility } of TERMS) {
      const annual = Math.sqrt(variance(run.returns(symbol)) * (365 * 24 * 60));
      expect(annual / volatility, symbol).to.be.within(0.96, 1.04);
    }
  });

  it('have it on the hours of the NYSE, gaps included', () => {
    const clock = new VolatilityClock('nyse');
    let year = 0;
    for (const { open, close } of sessions(252)) {
      clock.advance(plus(open, -MINUTE_MS));
      for (let now = open; now < close; now = plus(now, MINUTE_MS))
        year += clock.advance(now).variance;
    }
    expect(year).to.be.within(0.98, 1.01); // three early closes a year are shorter
  });

  it('move together: stocks of a sector most, stocks and coins not', () => {
    const run = new Run('together', 'always').walk(MONDAY, 20_000, MINUTE_MS);
    const [mega, giga, soda, coin] = TERMS.map(({ symbol }) => run.returns(symbol));
    // beta x beta x 0.16^2 / 0.25^2, and for a sector 0.3 of the rest.
    expect(correlation(mega!, giga!)).to.be.closeTo(0.71, 0.03);
    expect(correlation(mega!, soda!)).to.be.closeTo(0.44, 0.03);
    expect(Math.abs(correlation(mega!, coin!))).to.be.lessThan(0.03);
  });

  it('are livelier at the open and the close of the NYSE than at midday', () => {
    const moves = { open: [] as number[], midday: [] as number[], close: [] as number[] };
    const run = new Run('profile', 'nyse');
    for (const { open } of sessions(40)) {
      let before: bigint | null = null;
      for (let minute = 0; minute < 390; minute += 1) {
        const price = run.step(plus(open, minute * MINUTE_MS)).get('MEGA')!;
        const move: number = before === null ? 0 : Math.log(Number(price) / Number(before));
        if (before !== null && minute < 30) moves.open.push(move);
        if (minute >= 180 && minute < 210) moves.midday.push(move);
        if (minute >= 360) moves.close.push(move);
        before = price;
      }
    }
    expect(Math.sqrt(variance(moves.open) / variance(moves.midday))).to.be.within(1.9, 2.6);
    expect(Math.sqrt(variance(moves.close) / variance(moves.midday))).to.be.within(1.9, 2.6);
  });

  it('stand still while the NYSE is closed, and open with a gap; coins go on', () => {
    const run = new Run('gap', 'nyse');
    const gaps: number[] = [];
    let before: bigint | null = null;
    for (const { open, close } of sessions(250)) {
      const opening = run.step(open).get('MEGA')!;
      if (before !== null) gaps.push(Math.log(Number(opening) / Number(before)));
      const closing = run.step(plus(close, -1));
      const night = run.step(plus(close, 3_600_000));
      expect(night.get('MEGA')).to.equal(closing.get('MEGA'));
      expect(night.get('COIN')).not.to.equal(closing.get('COIN'));
      before = closing.get('MEGA')!;
      run.close();
    }
    const deviation = 0.25 * Math.sqrt(0.2 / 252); // a fifth of a day's variance
    expect(Math.sqrt(variance(gaps)) / deviation).to.be.within(0.85, 1.15);
  });

  it('have terms for every seeded asset, and ordinary ones for others', () => {
    const named = ASSETS.map(({ symbol, class: kind = 'us_equity' as const }) =>
      priceTermsOf({ symbol, class: kind }),
    );
    for (const { symbol, class: kind, sector, beta, volatility } of named) {
      expect(sector, symbol).not.to.equal('other');
      expect(volatility, symbol).to.be.at.least(beta * MARKET_VOLATILITY[kind]);
    }
    expect(priceTermsOf({ symbol: 'NEWCO', class: 'us_equity' })).to.include({ beta: 1 });
    expect(priceTermsOf({ symbol: 'NEW/USD', class: 'crypto' })).to.include({ sector: 'coins' });
  });

  it('stay believable over 30 days', () => {
    for (const seed of ['a', 'b', 'c', 'd', 'e']) {
      const run = new Run(seed, 'nyse');
      for (const { open } of sessions(30)) {
        run.walk(open, 39, 10 * MINUTE_MS);
        run.close();
      }
      for (const { symbol, volatility } of TERMS) {
        const deviation = volatility * Math.sqrt(42 / 365); // 30 sessions are six weeks
        const path = run.paths.get(symbol)!;
        const away = Math.abs(Math.log(path.at(-1)! / Number(START)));
        expect(away, `${symbol} ${seed}`).to.be.lessThan(4 * deviation);
      }
    }
  });
});
