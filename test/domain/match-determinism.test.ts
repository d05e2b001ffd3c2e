import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { OrderBook } from '../../src/domain/order-book.js';
import { describeBook, describeResult, randomDay, steps, take, type Step } from './order-flow.js';
import { ReferenceMatcher } from './reference-matcher.js';

const SEEDS = 100;
const REFERENCE_SEEDS = 5;
const STEPS = 10_000;

interface Outcome {
  hash: string;
  trades: number;
  resting: number;
}

/** Everything that happened and what is left in the book, as one SHA-256. */
function hashOf(lines: readonly string[], book: readonly string[]): string {
  return createHash('sha256')
    .update([...lines, 'book', ...book].join('\n'))
    .digest('hex');
}

function run(day: readonly Step[]): Outcome {
  const book = new OrderBook();
  let trades = 0;
  const lines = day.map((step) => {
    const result = take(book, step);
    if (result.kind === 'place') trades += result.match.fills.length;
    return describeResult(result);
  });
  const left = describeBook(book);
  return { hash: hashOf(lines, left), trades, resting: left.length };
}

function runReference(day: readonly Step[]): string {
  const reference = new ReferenceMatcher();
  const lines = day.map((step) => reference.take(step));
  return hashOf(lines, reference.book());
}

describe('the matching engine is deterministic', () => {
  it(`gives the same state hash twice: ${SEEDS} seeds of ${STEPS} steps`, function () {
    this.timeout(60_000);
    const hashes = new Set<string>();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const day = randomDay(seed, STEPS);
      const first = run(day);
      const again = run(day);
      expect(again, `seed ${seed}`).to.deep.equal(first);
      expect(first.trades, `seed ${seed} trades`).to.be.greaterThan(STEPS / 5);
      expect(first.resting, `seed ${seed} leaves a book`).to.be.greaterThan(10);
      hashes.add(first.hash);
    }
    expect(hashes.size, 'different seeds are different days').to.equal(SEEDS);
  });

  it('gives the hash it has always given: a change of the rules has to change this line', () => {
    expect(run(randomDay(1, STEPS)).hash).to.equal(
      'a81ca0ab55bfdee185988a9b3911a2df149a3e8cbbfec98a4ec18baec3081b09',
    );
  });

  it(`agrees with a plain reference matcher: ${REFERENCE_SEEDS} seeds of ${STEPS} steps`, function () {
    this.timeout(60_000);
    for (let seed = 1; seed <= REFERENCE_SEEDS; seed += 1) {
      const day = randomDay(seed, STEPS);
      expect(runReference(day), `seed ${seed}`).to.equal(run(day).hash);
    }
  });

  it('agrees with the reference at every step of any short sequence', () => {
    fc.assert(
      fc.property(steps(60), (sequence) => {
        const book = new OrderBook();
        const reference = new ReferenceMatcher();
        for (const step of sequence) {
          expect(describeResult(take(book, step))).to.equal(reference.take(step));
          expect(describeBook(book)).to.deep.equal(reference.book());
        }
      }),
      { numRuns: 300 },
    );
  });

  it('does not depend on the order in which the book was loaded', () => {
    fc.assert(
      fc.property(steps(40), steps(20), fc.integer(), (before, after, seed) => {
        const book = new OrderBook();
        for (const step of before) take(book, step);
        const rested = [...book.orders('buy'), ...book.orders('sell')];
        const shuffled = rested
          .map((order, n) => ({ order: { ...order }, key: Math.imul(n + 1, seed | 1) }))
          .sort((a, b) => a.key - b.key)
          .map(({ order }) => order);
        const reloaded = new OrderBook(shuffled);
        for (const step of renamed(after)) {
          expect(describeResult(take(reloaded, step))).to.equal(describeResult(take(book, step)));
        }
        expect(describeBook(reloaded)).to.deep.equal(describeBook(book));
      }),
    );
  });
});

/** The same steps as later ones: ids and sequences after those of the first part. */
const renamed = (sequence: readonly Step[]): Step[] =>
  sequence.map((step) => {
    if (step.kind === 'cancel') return step;
    const { orderId, seq, ...order } = step.order;
    return { kind: 'place', order: { ...order, orderId: `later ${orderId}`, seq: seq + 1_000n } };
  });
