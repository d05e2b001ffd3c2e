import { expect } from 'chai';
import { matchOrder, type IncomingOrder, type MatchResult } from '../../src/domain/match.js';
import { MAX_UNITS, tradeValue } from '../../src/domain/money.js';
import { OrderBook } from '../../src/domain/order-book.js';
import { nextSeq, resting, trades } from './match-cases.js';
import { describeBook } from './order-flow.js';

const USD = 10_000n;
const SHARE = 1_000_000_000n;

/** A market order for so much money, unless it says otherwise. */
const forAmount = (
  side: 'buy' | 'sell',
  amount: bigint,
  boundPrice: bigint,
  { qtyIncrement = 1n, ...more }: Partial<IncomingOrder> & { qtyIncrement?: bigint } = {},
): IncomingOrder => ({
  orderId: 'incoming',
  accountId: 'taker',
  side,
  type: 'market',
  timeInForce: 'day',
  boundPrice,
  qty: MAX_UNITS,
  budget: { amount, qtyIncrement },
  seq: nextSeq(),
  ...more,
});

const valueOf = ({ fills }: MatchResult): bigint =>
  fills.reduce((sum, { price, qty }) => sum + tradeValue(price, qty), 0n);

describe('matching an order by notional', () => {
  it('spends its budget across several makers, each at its own price', () => {
    const book = new OrderBook([
      resting('dear', 'sell', 10n * SHARE, 125n * USD),
      resting('cheap', 'sell', 2n * SHARE, 100n * USD),
      resting('middle', 'sell', 1n * SHARE, 110n * USD),
    ]);

    const result = matchOrder(book, forAmount('buy', 360n * USD, 130n * USD));

    expect(trades(result)).to.deep.equal([
      ['cheap', 2n * SHARE, 100n * USD],
      ['middle', 1n * SHARE, 110n * USD],
      ['dear', (2n * SHARE) / 5n, 125n * USD],
    ]);
    expect(result).to.include({ remaining: 0n, outcome: 'filled', reason: null });
    expect(book.best('sell')).to.include({ orderId: 'dear', remaining: (48n * SHARE) / 5n });
  });

  it('does not trade through a maker that it has not used up, whatever is left to raise', () => {
    const book = new OrderBook([
      resting('best', 'buy', 10n * SHARE, 30n * USD),
      resting('worse', 'buy', 10n * SHARE, 10n * USD),
    ]);

    const whole = { qty: 20n * SHARE, qtyIncrement: SHARE };
    const result = matchOrder(book, forAmount('sell', 100n * USD, 5n * USD, whole));

    expect(trades(result)).to.deep.equal([['best', 3n * SHARE, 30n * USD]]);
    expect(result).to.include({ remaining: 0n, outcome: 'filled', reason: null });
    expect(book.at('buy', 1)).to.include({ orderId: 'worse', remaining: 10n * SHARE });
  });

  it('trades once with a maker, although rounding leaves enough for another unit', () => {
    const price = 190_000n * USD;
    const book = new OrderBook([resting('ask', 'sell', SHARE, price)]);

    const result = matchOrder(book, forAmount('buy', 10_001n, price));

    expect(trades(result)).to.deep.equal([['ask', 5_263n, price]]);
    expect(10_001n - valueOf(result)).to.equal(2n); // and a unit more is worth 1.9
    expect(result).to.include({ remaining: 0n, outcome: 'filled' });
  });

  it('is filled when the next maker costs more than what is left', () => {
    const book = new OrderBook([
      resting('one', 'sell', 1n * SHARE, 100n * USD),
      resting('two', 'sell', 1n * SHARE, 120n * USD),
    ]);

    const whole = { qtyIncrement: SHARE };
    const result = matchOrder(book, forAmount('buy', 219n * USD, 130n * USD, whole));

    expect(trades(result)).to.deep.equal([['one', 1n * SHARE, 100n * USD]]);
    expect(result).to.include({ remaining: 0n, outcome: 'filled', reason: null });
  });

  for (const [why, amount, price, qtyIncrement] of [
    ['the amount does not pay for one increment', 99n * USD, 100n * USD, SHARE],
    ['what it pays for is worth less than the smallest amount', 1n, 150n * USD, 1n],
  ] as const) {
    it(`ends as too small, with no fills, when ${why}`, () => {
      const book = new OrderBook([resting('ask', 'sell', 5n * SHARE, price)]);
      const before = describeBook(book);

      const result = matchOrder(book, forAmount('buy', amount, price, { qtyIncrement }));

      expect(result).to.deep.equal({
        fills: [],
        remaining: 0n,
        outcome: 'canceled',
        reason: 'notional_too_small',
      });
      expect(describeBook(book)).to.deep.equal(before);
    });
  }

  it('rests, as a limit, with the quantity that the rest affords at its own price', () => {
    const book = new OrderBook([resting('ask', 'sell', 5n * SHARE, 90n * USD)]);

    const limit = { type: 'limit' } as const;
    const result = matchOrder(book, forAmount('buy', 1_000n * USD, 100n * USD, limit));

    expect(trades(result)).to.deep.equal([['ask', 5n * SHARE, 90n * USD]]);
    const remaining = (11n * SHARE) / 2n;
    expect(result).to.include({ remaining, outcome: 'resting', reason: null });
    expect(book.find('incoming')).to.include({ remaining, price: 100n * USD });
  });

  it('raises no more than asked for: less, by no more than one increment', () => {
    const book = new OrderBook([
      resting('first', 'buy', SHARE, 333_334n),
      resting('second', 'buy', 50n * SHARE, 333_333n),
    ]);

    const more = { qty: 50n * SHARE, qtyIncrement: 1_000_000n };
    const result = matchOrder(book, forAmount('sell', 499_900n, 333_333n, more));

    expect(trades(result)).to.deep.equal([
      ['first', SHARE, 333_334n],
      ['second', 499_000_000n, 333_333n],
    ]);
    expect(valueOf(result)).to.equal(499_667n); // with 0.5 of the second it would be 500_000
    expect(result).to.include({ remaining: 0n, outcome: 'filled' });
  });

  it('sells no more than its quantity, whatever is left to raise', () => {
    const book = new OrderBook([resting('bid', 'buy', 50n * SHARE, 10n * USD)]);

    const result = matchOrder(book, forAmount('sell', 100n * USD, 9n * USD, { qty: 4n * SHARE }));

    expect(trades(result)).to.deep.equal([['bid', 4n * SHARE, 10n * USD]]);
    expect(result).to.include({ remaining: 0n, outcome: 'filled' });
  });

  it('trades and rests in multiples of the increment, rounded down', () => {
    const book = new OrderBook([resting('ask', 'sell', 1_000_000n, 70n * USD)]);
    const limit = { type: 'limit', qtyIncrement: 1_000_000n } as const;

    const first = matchOrder(book, forAmount('buy', 100n * USD, 71n * USD, limit));
    const bid = book.find('incoming')!;
    const second = matchOrder(
      book,
      forAmount('sell', 50n * USD, 70n * USD, { orderId: 'seller', accountId: 'S', ...limit }),
    );

    expect(trades(first)).to.deep.equal([['ask', 1_000_000n, 70n * USD]]);
    expect(first.remaining).to.equal(1_407_000_000n); // 99.93 at 71 is 1.40746...
    expect(trades(second)).to.deep.equal([['incoming', 704_000_000n, 71n * USD]]); // 0.70422...
    expect(bid.remaining).to.equal(703_000_000n);
  });

  describe('at an order of its own account', () => {
    const book = () =>
      new OrderBook([
        resting('other', 'sell', 2n * SHARE, 100n * USD),
        resting('own', 'sell', 2n * SHARE, 101n * USD, 'taker'),
      ]);

    it('ends with what the rest would afford, and the fills before it stand', () => {
      const result = matchOrder(book(), forAmount('buy', 410n * USD, 105n * USD));

      expect(trades(result)).to.deep.equal([['other', 2n * SHARE, 100n * USD]]);
      const remaining = 2n * SHARE;
      expect(result).to.include({ remaining, outcome: 'canceled', reason: 'self_trade' });
    });

    it('is filled when its budget was used up before', () => {
      const result = matchOrder(book(), forAmount('buy', 200n * USD, 105n * USD));

      expect(trades(result)).to.deep.equal([['other', 2n * SHARE, 100n * USD]]);
      expect(result).to.include({ remaining: 0n, outcome: 'filled', reason: null });
    });
  });

  it('ends, as a market order, when nothing is in reach of its bound', () => {
    const book = new OrderBook([resting('far', 'sell', SHARE, 106n * USD)]);

    const result = matchOrder(book, forAmount('buy', 210n * USD, 105n * USD));

    expect(trades(result)).to.deep.equal([]);
    const remaining = 2n * SHARE;
    expect(result).to.include({ remaining, outcome: 'canceled', reason: 'no_liquidity' });
    expect(book.orders('buy')).to.deep.equal([]);
  });
});
