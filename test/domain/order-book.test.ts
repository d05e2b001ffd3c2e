import { expect } from 'chai';
import fc from 'fast-check';
import { OrderBook, type RestingOrder } from '../../src/domain/order-book.js';

const order = (n: number, side: 'buy' | 'sell', price: number, seq = n): RestingOrder => ({
  orderId: `o${n}`,
  accountId: 'A',
  side,
  price: BigInt(price),
  seq: BigInt(seq),
  remaining: 1n,
});

const ids = (orders: readonly RestingOrder[]) => orders.map(({ orderId }) => orderId);

describe('the order book', () => {
  it('has nothing at first', () => {
    const book = new OrderBook();

    expect(book.best('buy')).to.equal(undefined);
    expect(book.orders('sell')).to.deep.equal([]);
    expect(book.find('o1')).to.equal(undefined);
    expect(book.remove('o1')).to.equal(undefined);
  });

  it('puts the highest bid and the lowest ask first, and the earlier one at the same price', () => {
    const book = new OrderBook([
      order(1, 'buy', 99, 7),
      order(2, 'buy', 100, 9),
      order(3, 'buy', 100, 8),
      order(4, 'sell', 102, 1),
      order(5, 'sell', 101, 5),
      order(6, 'sell', 101, 4),
    ]);

    expect(ids(book.orders('buy'))).to.deep.equal(['o3', 'o2', 'o1']);
    expect(ids(book.orders('sell'))).to.deep.equal(['o6', 'o5', 'o4']);
    expect(book.at('sell', 1)).to.equal(book.find('o5'));
    expect(book.at('sell', 3)).to.equal(undefined);
  });

  it('gives an order that comes late but was earlier its place before the others', () => {
    const book = new OrderBook([order(1, 'sell', 100, 5)]);

    book.add(order(2, 'sell', 100, 4));

    expect(book.best('sell')?.orderId).to.equal('o2');
  });

  it('refuses an order that it has already', () => {
    const book = new OrderBook([order(1, 'buy', 100)]);

    expect(() => book.add(order(1, 'sell', 105))).to.throw('o1 rests already');
    expect(() => new OrderBook([order(1, 'buy', 100), order(1, 'buy', 101)])).to.throw('o1');
    expect(ids(book.orders('sell'))).to.deep.equal([]);
  });

  it('hands out copies: changing one does not change the book', () => {
    const book = new OrderBook([order(1, 'buy', 100), order(2, 'buy', 99)]);

    book.orders('buy').pop();

    expect(ids(book.orders('buy'))).to.deep.equal(['o1', 'o2']);
  });

  it('is a list sorted by price, then sequence, whatever was added and removed in which order', () => {
    const action = fc.record({
      kind: fc.constantFrom('add', 'add', 'remove', 'remove best'),
      n: fc.nat({ max: 40 }),
      side: fc.constantFrom('buy' as const, 'sell' as const),
      price: fc.integer({ min: 1, max: 6 }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80, size: 'max' }), (actions) => {
        const book = new OrderBook();
        let model: RestingOrder[] = [];
        for (const { kind, n, side, price } of actions) {
          if (kind === 'add' && !book.find(`o${n}`)) {
            const added = order(n, side, price);
            book.add(added);
            model.push(added);
          } else if (kind !== 'add') {
            const id = kind === 'remove' ? `o${n}` : (book.best(side)?.orderId ?? 'none');
            const known = model.find(({ orderId }) => orderId === id);
            expect(book.remove(id)).to.equal(known);
            model = model.filter((one) => one !== known);
          }
          for (const one of ['buy', 'sell'] as const) {
            const sign = one === 'buy' ? -1 : 1;
            const sorted = model
              .filter((resting) => resting.side === one)
              .sort((a, b) => sign * Number(a.price - b.price) || Number(a.seq - b.seq));
            expect(ids(book.orders(one))).to.deep.equal(ids(sorted));
            expect(book.best(one)).to.equal(sorted[0]);
          }
          expect(ids(new OrderBook(model).orders('buy'))).to.deep.equal(ids(book.orders('buy')));
        }
      }),
    );
  });
});
