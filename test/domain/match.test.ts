import { expect } from 'chai';
import { matchOrder, type IncomingOrder } from '../../src/domain/match.js';
import { OrderBook } from '../../src/domain/order-book.js';
import { nextSeq, resting, trades } from './match-cases.js';
import { describeBook } from './order-flow.js';

const incoming = (
  side: 'buy' | 'sell',
  qty: bigint,
  boundPrice: bigint,
  more: Partial<IncomingOrder> = {},
): IncomingOrder => ({
  orderId: 'incoming',
  accountId: 'taker',
  side,
  type: 'limit',
  timeInForce: 'day',
  boundPrice,
  qty,
  seq: nextSeq(),
  ...more,
});

describe('matching an order', () => {
  it('trades at the resting price, best first, and the earliest first at one price', () => {
    const book = new OrderBook([
      resting('dear', 'sell', 5n, 102n),
      resting('first', 'sell', 5n, 101n),
      resting('second', 'sell', 5n, 101n),
    ]);

    const result = matchOrder(book, incoming('buy', 12n, 105n));

    expect(trades(result)).to.deep.equal([
      ['first', 5n, 101n],
      ['second', 5n, 101n],
      ['dear', 2n, 102n],
    ]);
    expect(result).to.include({ remaining: 0n, outcome: 'filled', reason: null });
    expect(book.orders('sell')).to.have.length(1);
    expect(book.best('sell')).to.include({ orderId: 'dear', remaining: 3n });
  });

  it('sells to the highest bid first', () => {
    const book = new OrderBook([resting('low', 'buy', 1n, 99n), resting('high', 'buy', 1n, 100n)]);

    const result = matchOrder(book, incoming('sell', 2n, 99n));

    expect(trades(result)).to.deep.equal([
      ['high', 1n, 100n],
      ['low', 1n, 99n],
    ]);
  });

  it('rests with what is left of a limit order, behind the orders that were there', () => {
    const book = new OrderBook([resting('ask', 'sell', 3n, 100n), resting('bid', 'buy', 1n, 99n)]);

    const result = matchOrder(book, incoming('buy', 10n, 100n, { timeInForce: 'gtc' }));
    matchOrder(book, incoming('buy', 1n, 99n, { orderId: 'late', accountId: 'other' }));

    expect(result).to.include({ remaining: 7n, outcome: 'resting', reason: null });
    expect(book.orders('buy').map(({ orderId, remaining }) => [orderId, remaining])).to.deep.equal([
      ['incoming', 7n],
      ['bid', 1n],
      ['late', 1n],
    ]);
  });

  it('does not trade one tick through its bound', () => {
    const book = new OrderBook([resting('ask', 'sell', 1n, 101n), resting('bid', 'buy', 1n, 99n)]);

    expect(
      trades(matchOrder(book, incoming('buy', 1n, 100n, { timeInForce: 'ioc' }))),
    ).to.deep.equal([]);
    expect(
      trades(matchOrder(book, incoming('sell', 1n, 100n, { timeInForce: 'ioc' }))),
    ).to.deep.equal([]);
  });

  it('keeps a partly filled maker at its place in the queue', () => {
    const book = new OrderBook([
      resting('first', 'sell', 5n, 100n),
      resting('next', 'sell', 5n, 100n),
    ]);

    matchOrder(book, incoming('buy', 2n, 100n));

    expect(book.orders('sell').map(({ orderId, remaining }) => [orderId, remaining])).to.deep.equal(
      [
        ['first', 3n],
        ['next', 5n],
      ],
    );
  });

  describe('immediate or cancel', () => {
    it('takes what there is and cancels the rest', () => {
      const book = new OrderBook([resting('ask', 'sell', 3n, 100n)]);

      const result = matchOrder(book, incoming('buy', 5n, 100n, { timeInForce: 'ioc' }));

      expect(trades(result)).to.deep.equal([['ask', 3n, 100n]]);
      expect(result).to.include({ remaining: 2n, outcome: 'canceled', reason: 'ioc_rest' });
      expect(describeBook(book)).to.deep.equal([]);
    });
  });

  describe('market orders', () => {
    for (const timeInForce of ['day', 'gtc', 'ioc'] as const) {
      it(`never rest: what is left is cancelled (${timeInForce})`, () => {
        const book = new OrderBook([resting('ask', 'sell', 3n, 100n)]);

        const result = matchOrder(book, incoming('buy', 5n, 110n, { type: 'market', timeInForce }));

        expect(result).to.include({ remaining: 2n, outcome: 'canceled', reason: 'no_liquidity' });
        expect(describeBook(book)).to.deep.equal([]);
      });
    }

    it('stop at their collar', () => {
      const book = new OrderBook([
        resting('ask', 'sell', 1n, 100n),
        resting('far', 'sell', 9n, 111n),
      ]);

      const result = matchOrder(book, incoming('buy', 5n, 110n, { type: 'market' }));

      expect(trades(result)).to.deep.equal([['ask', 1n, 100n]]);
      expect(result).to.include({ remaining: 4n, reason: 'no_liquidity' });
    });
  });

  describe('fill or kill', () => {
    const book = () =>
      new OrderBook([
        resting('one', 'sell', 2n, 100n, 'B'),
        resting('two', 'sell', 3n, 101n, 'C'),
        resting('three', 'sell', 4n, 102n, 'D'),
      ]);
    const fok = (qty: bigint, bound: bigint, more: Partial<IncomingOrder> = {}) =>
      incoming('buy', qty, bound, { timeInForce: 'fok', ...more });

    it('fills whole over several counterparties', () => {
      const result = matchOrder(book(), fok(9n, 102n));

      expect(trades(result)).to.deep.equal([
        ['one', 2n, 100n],
        ['two', 3n, 101n],
        ['three', 4n, 102n],
      ]);
      expect(result).to.include({ outcome: 'filled', remaining: 0n });
    });

    for (const [why, order] of [
      ['one unit is missing', fok(10n, 105n)],
      ['one unit is out of reach', fok(6n, 101n)],
      ['an own order is in the way', fok(9n, 102n, { accountId: 'C' })],
      ['an own order is the first', fok(1n, 102n, { accountId: 'B' })],
      ['nothing is in reach', fok(1n, 99n)],
      ['a market order finds too little', fok(10n, 105n, { type: 'market' })],
    ] as const) {
      it(`touches nothing when ${why}`, () => {
        const full = book();
        const before = describeBook(full);

        const result = matchOrder(full, order);

        expect(result).to.deep.equal({
          fills: [],
          remaining: order.qty,
          outcome: 'canceled',
          reason: 'fok_not_filled',
        });
        expect(describeBook(full)).to.deep.equal(before);
      });
    }

    it('fills when an own order lies behind what it needs', () => {
      const result = matchOrder(book(), fok(5n, 102n, { accountId: 'D' }));

      expect(result).to.include({ outcome: 'filled', remaining: 0n });
    });
  });

  describe('self-trade prevention', () => {
    it('cancels the rest at the first own order; earlier fills stand and the own order stays', () => {
      const book = new OrderBook([
        resting('other', 'sell', 2n, 100n, 'B'),
        resting('own', 'sell', 2n, 101n, 'A'),
        resting('behind', 'sell', 2n, 102n, 'B'),
      ]);

      const result = matchOrder(book, incoming('buy', 6n, 105n, { accountId: 'A' }));

      expect(trades(result)).to.deep.equal([['other', 2n, 100n]]);
      expect(result).to.include({ remaining: 4n, outcome: 'canceled', reason: 'self_trade' });
      expect(book.orders('sell').map(({ orderId }) => orderId)).to.deep.equal(['own', 'behind']);
      expect(book.orders('buy')).to.deep.equal([]);
    });

    it('does not mind an own order that is out of reach or on the same side', () => {
      const book = new OrderBook([
        resting('own ask', 'sell', 1n, 106n, 'A'),
        resting('own bid', 'buy', 1n, 90n, 'A'),
      ]);

      const result = matchOrder(book, incoming('buy', 1n, 105n, { accountId: 'A' }));

      expect(result).to.include({ outcome: 'resting', reason: null });
    });

    it('fills an order that needs nothing beyond the orders before its own', () => {
      const book = new OrderBook([
        resting('other', 'sell', 2n, 100n, 'B'),
        resting('own', 'sell', 2n, 101n, 'A'),
      ]);

      expect(matchOrder(book, incoming('buy', 2n, 105n, { accountId: 'A' }))).to.include({
        outcome: 'filled',
        reason: null,
      });
    });
  });
});
