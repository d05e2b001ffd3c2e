import type { MatchResult } from '../../src/domain/match.js';
import type { RestingOrder } from '../../src/domain/order-book.js';

/** What tests of matching by hand are written with. */

let seq = 0n;

/** Later than everything before. */
export const nextSeq = (): bigint => (seq += 1n);

export const resting = (
  orderId: string,
  side: 'buy' | 'sell',
  remaining: bigint,
  price: bigint,
  accountId = `owner of ${orderId}`,
): RestingOrder => ({ orderId, accountId, side, price, remaining, seq: nextSeq() });

/** With whom, how much, at which price. */
export const trades = ({ fills }: MatchResult) =>
  fills.map(({ maker, price, qty }) => [maker.orderId, qty, price]);
