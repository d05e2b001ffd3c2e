import { expect } from 'chai';
import fc from 'fast-check';
import { marketBound } from '../../src/domain/collar.js';
import { parseDecimal, PRICE_SCALE } from '../../src/domain/money.js';

const usd = (text: string) => parseDecimal(text, PRICE_SCALE);
const TICK = usd('0.01');

describe('the collar of a market order', () => {
  for (const [what, side, last, best, expected] of [
    ['lies above the last price for a buyer', 'buy', '100', null, '105'],
    ['lies below the last price for a seller', 'sell', '100', null, '95'],
    ['follows an ask that has moved up', 'buy', '100', '110', '115.5'],
    ['follows a bid that has moved down', 'sell', '100', '90', '85.5'],
    ['stays at the last price when the ask is better', 'buy', '100', '90', '105'],
    ['stays at the last price when the bid is better', 'sell', '100', '110', '95'],
    ['is rounded up to the tick for a buyer', 'buy', '100.03', null, '105.04'], // 105.0315
    ['is rounded down to the tick for a seller', 'sell', '100.03', null, '95.02'], // 95.0285
    ['is one tick at least', 'sell', '0.01', null, '0.01'],
  ] as const) {
    it(what, () => {
      const bestPrice = best === null ? null : usd(best);
      expect(marketBound(side, usd(last), bestPrice, 500, TICK)).to.equal(usd(expected));
    });
  }

  it('is on the tick, above zero, and never on the wrong side of the last or the best price', () => {
    const price = fc.bigInt({ min: 1n, max: 10n ** 9n });
    const best = fc.option(price);
    const collarBps = fc.integer({ min: 1, max: 5_000 });
    const tick = fc.bigInt({ min: 1n, max: 1_000n });
    fc.assert(
      fc.property(price, best, collarBps, tick, (lastPrice, bestPrice, bps, step) => {
        const buy = marketBound('buy', lastPrice, bestPrice, bps, step);
        const sell = marketBound('sell', lastPrice, bestPrice, bps, step);
        expect(buy % step === 0n && sell % step === 0n && sell > 0n).to.equal(true);
        for (const one of [lastPrice, bestPrice ?? lastPrice]) {
          expect(buy >= one, 'a buyer reaches it').to.equal(true);
          expect(sell <= one || sell === step, 'a seller reaches it').to.equal(true);
        }
      }),
    );
  });
});
