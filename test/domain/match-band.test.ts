import { expect } from 'chai';
import fc from 'fast-check';
import { tighter } from '../../src/domain/collar.js';
import { matchOrder, type IncomingOrder } from '../../src/domain/match.js';
import { OrderBook } from '../../src/domain/order-book.js';
import { isStranded, type PriceBand } from '../../src/domain/price-bands.js';
import { nextSeq, resting, trades } from './match-cases.js';
import { steps } from './order-flow.js';

const incoming = (
  side: 'buy' | 'sell',
  boundPrice: bigint,
  bandPrice: bigint,
  more: Partial<IncomingOrder> = {},
): IncomingOrder => ({
  orderId: 'incoming',
  accountId: 'taker',
  side,
  type: 'limit',
  timeInForce: 'day',
  boundPrice,
  bandPrice,
  qty: 10n,
  seq: nextSeq(),
  ...more,
});
const asks = () =>
  new OrderBook([resting('inside', 'sell', 4n, 104n), resting('beyond', 'sell', 9n, 106n)]);

describe('matching within a price band', () => {
  it('trades up to the band and ends what only the band stops', () => {
    for (const more of [
      {},
      { timeInForce: 'gtc' },
      { timeInForce: 'ioc' },
      { type: 'market', timeInForce: 'ioc' },
    ] as const) {
      const book = asks();
      const result = matchOrder(book, incoming('buy', 110n, 105n, more));
      expect(trades(result)).to.deep.equal([['inside', 4n, 104n]]);
      expect(result).to.include({ remaining: 6n, outcome: 'canceled', reason: 'price_band' });
      expect(book.orders('buy')).to.deep.equal([]);
    }
  });

  it('stops a seller from below', () => {
    const book = new OrderBook([resting('far', 'buy', 5n, 94n)]);
    const result = matchOrder(book, incoming('sell', 90n, 95n));
    expect(result).to.deep.include({ fills: [], outcome: 'canceled', reason: 'price_band' });
  });

  it('lets no limit rest beyond the band, though there is nothing to trade with', () => {
    const result = matchOrder(new OrderBook(), incoming('buy', 106n, 105n));
    expect(result).to.include({ outcome: 'canceled', reason: 'price_band' });
    const atTheBand = matchOrder(new OrderBook(), incoming('buy', 105n, 105n));
    expect(atTheBand).to.include({ outcome: 'resting' });
  });

  it('does not blame the band for what ends anyway', () => {
    const ioc = { timeInForce: 'ioc' } as const;
    const market = { type: 'market', timeInForce: 'ioc' } as const;
    const empty = () => new OrderBook();
    expect(matchOrder(empty(), incoming('buy', 110n, 105n, ioc)).reason).to.equal('ioc_rest');
    expect(matchOrder(empty(), incoming('buy', 110n, 105n, market)).reason).to.equal(
      'no_liquidity',
    );
    expect(matchOrder(asks(), incoming('buy', 104n, 105n, ioc)).reason).to.equal('ioc_rest');
  });

  it('fills a fok whole within the band, or not at all', () => {
    const book = asks();
    const fok = { timeInForce: 'fok' } as const;
    const none = matchOrder(book, incoming('buy', 110n, 105n, fok));
    expect(none).to.deep.include({ fills: [], reason: 'fok_not_filled' });
    const whole = matchOrder(book, incoming('buy', 110n, 105n, { ...fok, qty: 4n }));
    expect(whole.outcome).to.equal('filled');
  });

  it('never trades outside of the band nor leaves a crossed book, also when the band moves', () => {
    const edge = fc.bigInt({ min: 97n, max: 103n });
    const moves = fc.array(fc.tuple(edge, edge), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(steps(60), moves, (sequence, bands) => {
        const book = new OrderBook();
        const every = Math.ceil(sequence.length / bands.length);
        for (const [index, step] of sequence.entries()) {
          const [a, b] = bands[Math.floor(index / every)]!;
          const band: PriceBand = a < b ? { lower: a, upper: b } : { lower: b, upper: a };
          if (index % every === 0) endStranded(book, band); // as a pass does with what it meets
          if (step.kind === 'cancel') {
            book.remove(step.orderId);
            continue;
          }
          const { side } = step.order;
          const bandPrice = side === 'buy' ? band.upper : band.lower;
          const { fills, reason } = matchOrder(book, { ...step.order, bandPrice });
          for (const { price } of fills) {
            expect(price >= band.lower && price <= band.upper, `${price}`).to.equal(true);
          }
          const isTighter =
            tighter(side, step.order.boundPrice, bandPrice) !== step.order.boundPrice;
          if (reason === 'price_band') expect(isTighter).to.equal(true);
          const [bid, ask] = [book.best('buy'), book.best('sell')];
          if (bid && ask) expect(bid.price < ask.price).to.equal(true);
          for (const best of [bid, ask]) {
            if (best) expect(isStranded(best.side, best.price, band)).to.equal(false);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

function endStranded(book: OrderBook, band: PriceBand): void {
  for (const order of [...book.orders('buy'), ...book.orders('sell')]) {
    if (isStranded(order.side, order.price, band)) book.remove(order.orderId);
  }
}
