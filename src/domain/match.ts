import { opposite, type OrderBook, type RestingOrder, type Side } from './order-book.js';

/** An accepted order at the moment it meets the book. */
export interface IncomingOrder {
  readonly orderId: string;
  readonly accountId: string;
  readonly side: Side;
  readonly type: 'market' | 'limit';
  readonly timeInForce: 'day' | 'gtc' | 'ioc' | 'fok';
  /** The worst price it may trade at, in 10^-4 USD: its limit, or a market order's collar. */
  readonly boundPrice: bigint;
  readonly seq: bigint;
  /** In 10^-9 units, above zero. */
  readonly qty: bigint;
}

export interface Fill {
  /** The resting order, after this fill. */
  readonly maker: RestingOrder;
  /** The resting order's price, in 10^-4 USD. */
  readonly price: bigint;
  readonly qty: bigint;
}

/** Why the rest of an order was cancelled at once. */
export type CancelReason = 'self_trade' | 'fok_not_filled' | 'ioc_rest' | 'no_liquidity';

export interface MatchResult {
  readonly fills: Fill[];
  /** What is left of the quantity: resting in the book, or cancelled. */
  readonly remaining: bigint;
  readonly outcome: 'filled' | 'resting' | 'canceled';
  readonly reason: CancelReason | null;
}

/**
 * Matches one order against the book: best price first, then earliest, each trade at the resting
 * order's price and never worse than the incoming order's bound.
 * - day and gtc limits rest with what is left; ioc and market orders never rest;
 * - fok trades whole or not at all, and then leaves the book untouched;
 * - an order never trades with its own account: at the first own order it can reach, the rest is
 *   cancelled and earlier fills stand ("cancel newest", the exchanges' usual default).
 * @param book     changed in place: makers are reduced or removed, the rest of a limit is added
 * @param incoming the order; its sequence decides its place in the queue if it rests
 */
export function matchOrder(book: OrderBook, incoming: IncomingOrder): MatchResult {
  if (incoming.timeInForce === 'fok' && !canFillWhole(book, incoming)) {
    return { fills: [], remaining: incoming.qty, outcome: 'canceled', reason: 'fok_not_filled' };
  }
  const makers = opposite(incoming.side);
  const fills: Fill[] = [];
  let remaining = incoming.qty;
  while (remaining > 0n) {
    const maker = book.best(makers);
    if (!maker || !reaches(incoming, maker.price))
      return endUnfilled(book, incoming, fills, remaining);
    if (maker.accountId === incoming.accountId) {
      return { fills, remaining, outcome: 'canceled', reason: 'self_trade' };
    }
    const qty = remaining < maker.remaining ? remaining : maker.remaining;
    remaining -= qty;
    maker.remaining -= qty;
    if (maker.remaining === 0n) book.remove(maker.orderId);
    fills.push({ maker, price: maker.price, qty });
  }
  return { fills, remaining, outcome: 'filled', reason: null };
}

const reaches = ({ side, boundPrice }: IncomingOrder, price: bigint): boolean =>
  side === 'buy' ? price <= boundPrice : price >= boundPrice;

/** Looks ahead over as many makers as it takes; an own order in the way counts as the end. */
function canFillWhole(book: OrderBook, incoming: IncomingOrder): boolean {
  const makers = opposite(incoming.side);
  let missing = incoming.qty;
  for (let place = 0; missing > 0n; place += 1) {
    const maker = book.at(makers, place);
    if (!maker || !reaches(incoming, maker.price)) return false;
    if (maker.accountId === incoming.accountId) return false;
    missing -= maker.remaining;
  }
  return true;
}

/** Nothing more can trade: the rest waits in the book or is cancelled, by type and time in force. */
function endUnfilled(
  book: OrderBook,
  incoming: IncomingOrder,
  fills: Fill[],
  remaining: bigint,
): MatchResult {
  if (incoming.type === 'market') {
    return { fills, remaining, outcome: 'canceled', reason: 'no_liquidity' };
  }
  if (incoming.timeInForce === 'ioc') {
    return { fills, remaining, outcome: 'canceled', reason: 'ioc_rest' };
  }
  const { orderId, accountId, side, boundPrice: price, seq } = incoming;
  book.add({ orderId, accountId, side, price, seq, remaining });
  return { fills, remaining, outcome: 'resting', reason: null };
}
