import { expect } from 'chai';
import fc from 'fast-check';
import { nyseSession } from '../../src/domain/clock.js';
import { parseDecimal, PRICE_SCALE } from '../../src/domain/money.js';
import {
  bandAround,
  isDoubledAt,
  isMoved,
  isStranded,
  pressedEdge,
} from '../../src/domain/price-bands.js';
import { tickAt } from '../../src/domain/price-rules.js';
import { insideBand, ladder } from '../../src/market/quotes.js';

const usd = (text: string): bigint => parseDecimal(text, PRICE_SCALE);
const stock = (bandBps: number) =>
  ({ class: 'us_equity', priceIncrement: usd('0.01'), bandBps }) as const;
const coin = (bandBps: number) => ({ ...stock(bandBps), class: 'crypto' }) as const;
const edges = (lower: string, upper: string) => ({ lower: usd(lower), upper: usd(upper) });

describe('price bands', () => {
  it('are as wide as the plan says for the tier and the price', () => {
    const cases = [
      [500, '150', '142.5', '157.5'], // tier 1
      [1_000, '150', '135', '165'], // tier 2
      [500, '3.01', '2.86', '3.16'],
      [500, '3', '2.4', '3.6'], // up to 3 dollars 20 %, whatever the tier
      [1_000, '0.75', '0.6', '0.9'],
      [500, '0.74', '0.59', '0.89'], // then 15 cents ...
      [500, '0.1', '0.025', '0.175'], // ... or 75 %, whichever is less
    ] as const;
    for (const [bps, reference, lower, upper] of cases) {
      const band = bandAround(usd(reference), stock(bps), false);
      expect(band, reference).to.deep.equal(edges(lower, upper));
    }
    expect(bandAround(usd('2'), coin(1_000), false)).to.deep.equal(edges('1.8', '2.2'));
  });

  it('are twice as wide near the open and the close, and end at the lowest price', () => {
    expect(bandAround(usd('150'), stock(500), true)).to.deep.equal(edges('135', '165'));
    expect(bandAround(usd('0.1'), stock(500), true)).to.deep.equal(edges('0.0001', '0.25'));
    const session = nyseSession(new Date('2026-03-02T00:00:00Z'))!; // 14:30 to 21:00 UTC
    const doubled = (time: string) => isDoubledAt(new Date(`2026-03-02T${time}Z`), session);
    expect(['14:30:00', '14:44:59', '20:35:00', '20:59:59'].map(doubled)).not.to.include(false);
    expect(['14:45:00', '18:00:00', '20:34:59'].map(doubled)).not.to.include(true);
    expect(doubled('12:00:00'), 'as they will be at the open').to.equal(true);
    const short = nyseSession(new Date('2026-11-27T00:00:00Z'))!; // closes at 18:00 UTC
    expect(isDoubledAt(new Date('2026-11-27T17:40:00Z'), short)).to.equal(true);
  });

  it('are on the tick that is nearest, around their reference', () => {
    expect(bandAround(usd('10.03'), stock(500), false)).to.deep.equal(edges('9.53', '10.53'));
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 10n }),
        fc.integer({ min: 1, max: 5_000 }),
        fc.boolean(),
        fc.constantFrom(stock, coin),
        (reference, bps, isDoubled, make) => {
          const terms = make(bps);
          const { lower, upper } = bandAround(reference, terms, isDoubled);
          for (const price of [lower, upper]) expect(price % tickAt(price, terms)).to.equal(0n);
          expect(lower > 0n && lower <= upper).to.equal(true);
          const wide = bandAround(reference, terms, true);
          expect(wide.lower <= lower && upper <= wide.upper).to.equal(true);
        },
      ),
    );
  });

  it('move when the mean is a whole percent away', () => {
    const from = (mean: string) => isMoved(usd('100'), usd(mean));
    expect([from('101'), from('99'), from('120')]).not.to.include(false);
    expect([from('100.9999'), from('99.0001'), from('100')]).not.to.include(true);
  });

  it('are pressed by quotes that stand at them, and by what was stopped at them', () => {
    const band = edges('95', '105');
    const press = (bid: string | null, ask: string | null, stopped = {}) =>
      pressedEdge(
        band,
        { bid: bid === null ? null : usd(bid), ask: ask === null ? null : usd(ask) },
        { upper: false, lower: false, ...stopped },
      );
    expect(press('105', null)).to.equal('upper');
    expect(press(null, '95')).to.equal('lower');
    expect(press('99', '101')).to.equal(null);
    expect(press('94', '106'), 'a wide book alone').to.equal(null);
    expect(press('94', '106', { upper: true })).to.equal('upper');
    expect(press('94', '106', { lower: true })).to.equal('lower');
    expect(press('94', '104', { upper: true }), 'somebody sells inside').to.equal(null);
    expect(press('96', null, { upper: true, lower: true }), 'nobody beyond').to.equal(null);
  });

  it('leave of the house quotes what is inside, and its best price at an edge', () => {
    const lot = 10n ** 9n;
    const room = { buy: 10n ** 15n, sell: 10n ** 15n };
    const rules = { tick: usd('0.01'), lot, maxQty: 10n ** 14n, room, topQty: null };
    const quoted = (centre: string) =>
      insideBand(ladder(usd(centre), rules), edges('95', '105')).map(({ side, price }) => [
        side,
        price,
      ]);
    expect(quoted('100')).to.have.length(6);
    expect(quoted('112')).to.deep.equal([['buy', usd('105')]]);
    expect(quoted('90')).to.deep.equal([['sell', usd('95')]]);
    expect(quoted('104.95').filter(([side]) => side === 'buy')).to.have.length(3);
    fc.assert(
      fc.property(fc.bigInt({ min: usd('80'), max: usd('120') }), (centre) => {
        const band = edges('95', '105');
        for (const { side, price } of insideBand(ladder(centre, rules), band)) {
          expect(isStranded(side, price, band)).to.equal(false);
          expect(price >= band.lower && price <= band.upper).to.equal(true);
        }
      }),
    );
  });
});
