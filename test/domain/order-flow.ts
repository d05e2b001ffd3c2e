import fc from 'fast-check';
import { matchOrder, type IncomingOrder, type MatchResult } from '../../src/domain/match.js';
import type { OrderBook, RestingOrder } from '../../src/domain/order-book.js';

/** What happens to a book, in sequence order. */
export type Step = { kind: 'place'; order: IncomingOrder } | { kind: 'cancel'; orderId: string };

export type StepResult =
  | { kind: 'place'; order: IncomingOrder; match: MatchResult }
  | { kind: 'cancel'; orderId: string; removed: bigint | null };

/** Takes one step and tells what came of it. */
export function take(book: OrderBook, step: Step): StepResult {
  if (step.kind === 'place') {
    return { kind: 'place', order: step.order, match: matchOrder(book, step.order) };
  }
  const removed = book.remove(step.orderId)?.remaining ?? null;
  return { kind: 'cancel', orderId: step.orderId, removed };
}

/** A result as plain text: what traded with whom, at which price, and what became of the rest. */
export function describeResult(result: StepResult): string {
  if (result.kind === 'cancel') return `cancel ${result.orderId}: ${result.removed}`;
  const { fills, remaining, outcome, reason } = result.match;
  const trades = fills.map(({ maker, price, qty }) => `${maker.orderId} ${qty}@${price}`);
  return `${result.order.orderId} [${trades.join(', ')}] ${remaining} ${outcome} ${reason}`;
}

const describeOrder = (order: RestingOrder): string =>
  `${order.orderId} ${order.accountId} ${order.side} ${order.remaining}@${order.price} #${order.seq}`;

/** Both sides of a book as plain text, the best first. */
export const describeBook = (book: OrderBook): string[] =>
  [...book.orders('buy'), ...book.orders('sell')].map(describeOrder);

const placing = fc.record({
  accountId: fc.constantFrom('A', 'B', 'C', 'D'),
  side: fc.constantFrom('buy' as const, 'sell' as const),
  type: fc.constantFrom('limit' as const, 'limit' as const, 'limit' as const, 'market' as const),
  timeInForce: fc.constantFrom(
    ...(['day', 'day', 'day', 'gtc', 'ioc', 'fok'] satisfies IncomingOrder['timeInForce'][]),
  ),
  boundPrice: fc.bigInt({ min: 97n, max: 103n }),
  qty: fc.bigInt({ min: 1n, max: 12n }),
});

/**
 * Sequences of orders and cancellations over few accounts, prices and quantities, so that they meet
 * often. The n-th step's order has the id `o<n>`.
 */
export const steps = (maxLength: number): fc.Arbitrary<Step[]> =>
  fc
    .array(
      fc.oneof(
        { weight: 5, arbitrary: placing },
        { weight: 1, arbitrary: fc.record({ cancel: fc.nat({ max: maxLength }) }) },
      ),
      { maxLength, size: 'max' },
    )
    .map((items) =>
      items.map((item, n): Step => {
        if ('cancel' in item) return { kind: 'cancel', orderId: `o${item.cancel}` };
        return { kind: 'place', order: { ...item, orderId: `o${n}`, seq: BigInt(n) } };
      }),
    );

/** A small, fast random source: the same seed gives the same numbers on every machine. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const FLOW_ACCOUNTS = 25;
const FLOW_SPREAD = 60;
const TIMES_IN_FORCE = ['day', 'day', 'day', 'gtc', 'gtc', 'ioc', 'fok'] as const;

/**
 * A long day in one book: orders around a price that wanders, one in four steps a cancellation.
 * @param seed  decides everything
 * @param count how many steps
 */
export function randomDay(seed: number, count: number): Step[] {
  const random = seededRandom(seed);
  const day: Step[] = [];
  let centre = 1_500_000;
  for (let n = 0; n < count; n += 1) {
    centre += (random(3) - 1) * 100;
    if (n > 0 && random(4) === 0) {
      day.push({ kind: 'cancel', orderId: `o${Math.max(0, n - 1 - random(200))}` });
      continue;
    }
    const order: IncomingOrder = {
      orderId: `o${n}`,
      accountId: `a${random(FLOW_ACCOUNTS)}`,
      side: random(2) === 0 ? 'buy' : 'sell',
      type: random(8) === 0 ? 'market' : 'limit',
      timeInForce: TIMES_IN_FORCE[random(TIMES_IN_FORCE.length)]!,
      boundPrice: BigInt(centre + (random(FLOW_SPREAD) - FLOW_SPREAD / 2) * 100),
      seq: BigInt(n),
      qty: BigInt(1 + random(50)) * 500_000_000n,
    };
    day.push({ kind: 'place', order });
  }
  return day;
}
