import { expect } from 'chai';
import fc from 'fast-check';
import { opposite, OrderBook, type RestingOrder, type Side } from '../../src/domain/order-book.js';
import { describeBook, describeResult, randomDay, steps, take, type Step } from './order-flow.js';

/**
 * A worker loads only the part of a book that its batch can reach. For each side that is: the best
 * orders down to the worst bound of the orders against it, until their sum covers the quantity of
 * those orders plus what the batch's cancellations may take away from that side.
 *
 * Why that is enough: suppose an order with something left to fill met the end of the loaded part.
 * Then all of it is gone, by fills or cancellations. Cancellations took at most their share of the
 * sum, so fills took at least the quantity of all orders of the batch, this one included: it has
 * nothing left. The same holds for what a fill-or-kill order looks ahead over. An own order that stops
 * its account's orders is not used up, so it only leaves more of the loaded part for the others; and
 * what rests during the batch uses up incoming quantity without using up the loaded part.
 */
function reachable(book: OrderBook, side: Side, batch: readonly Step[]): RestingOrder[] {
  const against = batch.flatMap((step) =>
    step.kind === 'place' && step.order.side === opposite(side) ? [step.order] : [],
  );
  const rank = (price: bigint) => (side === 'sell' ? price : -price);
  const worst = against
    .map(({ boundPrice }) => rank(boundPrice))
    .reduce<bigint | null>((most, one) => (most === null || one > most ? one : most), null);
  if (worst === null) return [];
  let wanted = against.reduce((sum, { qty }) => sum + qty, 0n);
  for (const step of batch) {
    const canceled = step.kind === 'cancel' ? book.find(step.orderId) : undefined;
    if (canceled?.side === side) wanted += canceled.remaining;
  }
  const loaded: RestingOrder[] = [];
  for (const resting of book.orders(side)) {
    if (rank(resting.price) > worst) break;
    loaded.push({ ...resting });
    wanted -= resting.remaining;
    if (wanted <= 0n) break;
  }
  return loaded;
}

/**
 * Runs a batch as a worker does: on the reachable part only. A cancelled order outside of it is not
 * touched by anything else in the batch, so all of it is cancelled.
 */
function runWindowed(book: OrderBook, batch: readonly Step[]): { lines: string[]; left: string[] } {
  const loaded = [...reachable(book, 'buy', batch), ...reachable(book, 'sell', batch)];
  const window = new OrderBook(loaded);
  const known = new Set(loaded.map(({ orderId }) => orderId));
  const stored = new Map(
    [...book.orders('buy'), ...book.orders('sell')].map((order) => [order.orderId, { ...order }]),
  );
  const lines = batch.map((step) => {
    if (step.kind === 'cancel' && !known.has(step.orderId) && stored.has(step.orderId)) {
      const { remaining } = stored.get(step.orderId)!;
      stored.delete(step.orderId);
      return `cancel ${step.orderId}: ${remaining}`;
    }
    return describeResult(take(window, step));
  });
  for (const orderId of known) stored.delete(orderId);
  const left = [...stored.values(), ...window.orders('buy'), ...window.orders('sell')];
  return { lines, left: describeBook(new OrderBook(left)) };
}

/** Plays a sequence in batches, each on the window and on the full book. */
function compareInBatches(sequence: readonly Step[], sizes: readonly number[], name = ''): number {
  const book = new OrderBook();
  let [from, spared] = [0, 0];
  for (let n = 0; from < sequence.length; n += 1) {
    const batch = sequence.slice(from, from + sizes[n % sizes.length]!);
    from += batch.length;
    const sides = (['buy', 'sell'] as const).map((side) => reachable(book, side, batch).length);
    spared += describeBook(book).length - sides[0]! - sides[1]!;
    const windowed = runWindowed(book, batch);
    const full = batch.map((step) => describeResult(take(book, step)));
    expect(windowed.lines, name).to.deep.equal(full);
    expect(windowed.left, name).to.deep.equal(describeBook(book));
  }
  return spared;
}

/** `place('b', 'A buys 5 at 102', 9)`: order b of account A, ninth in the sequence. */
function place(
  orderId: string,
  terms: string,
  n: number,
  timeInForce: 'day' | 'fok' = 'day',
): Step {
  const [, accountId = '', verb, qty = '', price = ''] =
    /^(\w+) (\w+) (\d+) at (\d+)$/.exec(terms) ?? [];
  const side = verb === 'buys' ? 'buy' : 'sell';
  const boundPrice = BigInt(price);
  const order = { orderId, accountId, side, type: 'limit', timeInForce, boundPrice } as const;
  return { kind: 'place', order: { ...order, qty: BigInt(qty), seq: BigInt(n) } };
}
const cancel = (orderId: string): Step => ({ kind: 'cancel', orderId });

describe('matching against the reachable part of the book', () => {
  it('gives what the full book gives, for any batches of orders and cancellations', () => {
    let spared = 0;
    fc.assert(
      fc.property(
        steps(120),
        fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 6 }),
        (sequence, sizes) => {
          spared += compareInBatches(sequence, sizes);
        },
      ),
      { numRuns: 500 },
    );
    expect(spared, 'the window left something out').to.be.greaterThan(1_000);
  });

  it('gives what the full book gives over long days, in batches of 1 to 500', function () {
    this.timeout(30_000);
    for (let seed = 1; seed <= 4; seed += 1) {
      compareInBatches(randomDay(seed, 4_000), [1, 7, 500, 40, 3, 120], `seed ${seed}`);
    }
  });

  const asks = [
    place('s1', 'B sells 5 at 100', 1),
    place('s2', 'C sells 5 at 101', 2),
    place('s3', 'B sells 5 at 102', 3),
  ];
  for (const [why, batch, expected] of [
    [
      'reaches past an order that is cancelled first',
      [cancel('s1'), place('b', 'A buys 5 at 102', 9)],
      ['cancel s1: 5', 'b [s2 5@101] 0 filled null'],
    ],
    [
      'counts what was left of a cancelled order, partly filled before or not',
      [place('b', 'A buys 2 at 102', 8), cancel('s1'), place('b2', 'A buys 8 at 102', 9, 'fok')],
      ['b [s1 2@100] 0 filled null', 'cancel s1: 3', 'b2 [s2 5@101, s3 3@102] 0 filled null'],
    ],
    [
      'meets an own order at the same place, and leaves it to others',
      [place('b', 'B buys 9 at 102', 8), place('b2', 'A buys 6 at 102', 9)],
      ['b [] 9 canceled self_trade', 'b2 [s1 5@100, s2 1@101] 0 filled null'],
    ],
    [
      'cancels an order outside of the window whole',
      [place('b', 'A buys 1 at 102', 8), cancel('s3')],
      ['b [s1 1@100] 0 filled null', 'cancel s3: 5'],
    ],
    [
      'lets an order that rests in the batch take its place before what was not loaded',
      [place('s0', 'C sells 3 at 99', 8), place('b', 'A buys 8 at 102', 9)],
      ['s0 [] 3 resting null', 'b [s0 3@99, s1 5@100] 0 filled null'],
    ],
  ] as const) {
    it(why, () => {
      const book = new OrderBook();
      for (const step of asks) take(book, step);

      expect(runWindowed(book, batch).lines).to.deep.equal(expected);
      expect(batch.map((step) => describeResult(take(book, step)))).to.deep.equal(expected);
    });
  }
});
