import { expect } from 'chai';
import fc from 'fast-check';
import { matchOrder, type IncomingOrder, type MatchResult } from '../../src/domain/match.js';
import { opposite, OrderBook, type RestingOrder } from '../../src/domain/order-book.js';
import { describeBook, steps, take, type Step } from './order-flow.js';

interface Scene {
  order: IncomingOrder;
  /** Copies of the other side as the order met it, the best first. */
  queue: RestingOrder[];
  bookBefore: string[];
  book: OrderBook;
  result: MatchResult;
}

/** Runs sequences of steps and shows every order's moment to `look`. */
function atEveryOrder(look: (scene: Scene) => void): void {
  fc.assert(
    fc.property(steps(60), (sequence) => {
      const book = new OrderBook();
      for (const step of sequence) {
        if (step.kind === 'cancel') {
          take(book, step);
          continue;
        }
        const queue = book.orders(opposite(step.order.side)).map((resting) => ({ ...resting }));
        const bookBefore = describeBook(book);
        look({ order: step.order, queue, bookBefore, book, result: matchOrder(book, step.order) });
      }
    }),
    { numRuns: 300 },
  );
}

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((all, one) => all + one, 0n);
const filled = ({ fills }: MatchResult): bigint => sum(fills.map(({ qty }) => qty));
const within = ({ side, boundPrice }: IncomingOrder, price: bigint): boolean =>
  side === 'buy' ? price <= boundPrice : price >= boundPrice;

describe('matching any sequence of orders and cancellations', () => {
  it('neither makes nor loses a unit: each order is filled, waiting or cancelled to the last one', () => {
    fc.assert(
      fc.property(steps(80), (sequence) => {
        const placed = new Map<string, bigint>();
        const accounted = new Map<string, bigint>();
        const account = (orderId: string, qty: bigint) =>
          accounted.set(orderId, (accounted.get(orderId) ?? 0n) + qty);
        const book = new OrderBook();
        for (const step of sequence) {
          const result = take(book, step);
          if (result.kind === 'cancel') {
            if (result.removed !== null) account(result.orderId, result.removed);
            continue;
          }
          const { order, match } = result;
          placed.set(order.orderId, order.qty);
          for (const { maker, qty } of match.fills) {
            expect(qty > 0n).to.equal(true);
            account(order.orderId, qty);
            account(maker.orderId, qty);
          }
          if (match.outcome === 'canceled') account(order.orderId, match.remaining);
        }
        for (const resting of [...book.orders('buy'), ...book.orders('sell')]) {
          expect(resting.remaining > 0n).to.equal(true);
          account(resting.orderId, resting.remaining);
        }
        expect(Object.fromEntries(accounted)).to.deep.equal(Object.fromEntries(placed));
      }),
      { numRuns: 300 },
    );
  });

  it('adds up each order: quantity = fills + remaining, and each maker gave what was taken', () => {
    atEveryOrder(({ order, queue, result, book }) => {
      expect(filled(result) + result.remaining).to.equal(order.qty);
      expect(result.remaining === 0n).to.equal(result.outcome === 'filled');
      for (const { maker, qty } of result.fills) {
        const before = queue.find(({ orderId }) => orderId === maker.orderId)!;
        expect(maker.remaining).to.equal(before.remaining - qty);
        expect(book.find(maker.orderId)).to.equal(maker.remaining > 0n ? maker : undefined);
      }
    });
  });

  it('never leaves a crossed book', () => {
    atEveryOrder(({ book }) => {
      const [bid, ask] = [book.best('buy'), book.best('sell')];
      if (bid && ask) expect(bid.price < ask.price, `${bid.price} < ${ask.price}`).to.equal(true);
    });
  });

  it('keeps price-time priority: makers trade in queue order and all but the last are used up', () => {
    atEveryOrder(({ queue, result }) => {
      const ranked = [...queue].sort((a, b) => {
        const better = a.side === 'buy' ? b.price - a.price : a.price - b.price;
        return Number(better) || Number(a.seq - b.seq);
      });
      const makers = result.fills.map(({ maker }) => maker.orderId);
      expect(makers).to.deep.equal(ranked.slice(0, makers.length).map(({ orderId }) => orderId));
      for (const { maker } of result.fills.slice(0, -1)) expect(maker.remaining).to.equal(0n);
    });
  });

  it('trades at the resting price and never through the bound', () => {
    atEveryOrder(({ order, queue, result }) => {
      for (const { maker, price } of result.fills) {
        expect(price).to.equal(queue.find(({ orderId }) => orderId === maker.orderId)!.price);
        expect(within(order, price), `${order.side} ${order.boundPrice}: ${price}`).to.equal(true);
      }
    });
  });

  it('leaves no trade undone: whoever is not filled has nothing of others first in reach', () => {
    atEveryOrder(({ order, result, book }) => {
      if (result.outcome === 'filled' || result.reason === 'fok_not_filled') return;
      const best = book.best(opposite(order.side));
      const reachable = best !== undefined && within(order, best.price);
      expect(reachable).to.equal(result.reason === 'self_trade');
      if (reachable) expect(best.accountId).to.equal(order.accountId);
    });
  });

  it('fills a fill-or-kill order whole, or leaves the book as it was', () => {
    let [whole, none] = [0, 0];
    atEveryOrder(({ order, queue, bookBefore, book, result }) => {
      if (order.timeInForce !== 'fok') return;
      const reach = queue.filter(({ price }) => within(order, price));
      const own = reach.findIndex(({ accountId }) => accountId === order.accountId);
      const usable = own < 0 ? reach : reach.slice(0, own);
      if (sum(usable.map(({ remaining }) => remaining)) >= order.qty) {
        whole += 1;
        expect(filled(result)).to.equal(order.qty);
        expect(result.outcome).to.equal('filled');
      } else {
        none += 1;
        expect(result).to.deep.include({ fills: [], remaining: order.qty, outcome: 'canceled' });
        expect(result.reason).to.equal('fok_not_filled');
        expect(describeBook(book)).to.deep.equal(bookBefore);
      }
    });
    expect(Math.min(whole, none), 'both cases were met often').to.be.greaterThan(50);
  });

  it('never lets a market, ioc or fok order rest; a limit for the day or until cancelled does', () => {
    atEveryOrder(({ order, result, book }) => {
      const found = book.find(order.orderId);
      expect(found !== undefined).to.equal(result.outcome === 'resting');
      const mayRest =
        order.type === 'limit' && (order.timeInForce === 'day' || order.timeInForce === 'gtc');
      if (!mayRest) expect(found).to.equal(undefined);
      if (found) {
        const { orderId, accountId, side, boundPrice: price, seq } = order;
        const { remaining } = result;
        expect(found).to.deep.equal({ orderId, accountId, side, price, seq, remaining });
      }
    });
  });

  it('never prints a trade of an account with itself', () => {
    let prevented = 0;
    atEveryOrder(({ order, result }) => {
      for (const { maker } of result.fills) expect(maker.accountId).not.to.equal(order.accountId);
      if (result.reason === 'self_trade') prevented += 1;
    });
    expect(prevented, 'prevention was met often').to.be.greaterThan(50);
  });

  it('cancels exactly the order that was asked for', () => {
    fc.assert(
      fc.property(steps(60), fc.nat(), (sequence, pick) => {
        const book = new OrderBook();
        for (const step of sequence) take(book, step);
        const all = [...book.orders('buy'), ...book.orders('sell')];
        if (all.length === 0) return;
        const chosen = all[pick % all.length]!;
        const others = describeBook(book).filter((line) => !line.startsWith(`${chosen.orderId} `));
        const cancel: Step = { kind: 'cancel', orderId: chosen.orderId };

        expect(take(book, cancel)).to.include({ removed: chosen.remaining });
        expect(take(book, cancel)).to.include({ removed: null });
        expect(describeBook(book)).to.deep.equal(others);
      }),
    );
  });
});
