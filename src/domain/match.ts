import { tighter } from './collar.js';
import { affordableQty, tradeValue } from './money.js';
import { opposite, type OrderBook, type RestingOrder, type Side } from './order-book.js';

/** An accepted order at the moment it meets the book. */
export interface IncomingOrder {
  readonly orderId: string;
  readonly accountId: string;
  readonly side: Side;
  readonly type: 'market' | 'limit';
  /** At the open or the close (opg, cls) it trades what it can, as an ioc does. */
  readonly timeInForce: 'day' | 'gtc' | 'ioc' | 'fok' | 'opg' | 'cls';
  /** The worst price it may trade at, in 10^-4 USD: its limit, or a market order's collar. */
  readonly boundPrice: bigint;
  /** The asset's price band on its side, in 10^-4 USD: it neither trades nor rests beyond. */
  readonly bandPrice?: bigint | null;
  readonly seq: bigint;
  /** In 10^-9 units, above zero. The most that it may trade when it has a budget. */
  readonly qty: bigint;
  /** For an order by notional: what it may spend or has to raise. */
  readonly budget?: Budget | null;
}

export interface Budget {
  /** In 10^-4 USD. */
  readonly amount: bigint;
  /** Quantities are multiples of it, in 10^-9 units. */
  readonly qtyIncrement: bigint;
}

export interface Fill {
  /** The resting order, after this fill. */
  readonly maker: RestingOrder;
  /** The resting order's price, in 10^-4 USD. */
  readonly price: bigint;
  readonly qty: bigint;
}

/** Why the rest of an order was cancelled at once. */
export type CancelReason =
  | 'self_trade'
  | 'fok_not_filled'
  | 'ioc_rest'
  | 'no_liquidity'
  | 'notional_too_small'
  | 'price_band';

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
 * - day and gtc limits rest with what is left; ioc, opg, cls and market orders never rest;
 * - an order with a budget trades until nothing more can be bought with (or has to be raised of) it;
 * - fok trades whole or not at all, and then leaves the book untouched;
 * - an order never trades with its own account: at the first own order it can reach, the rest is
 *   cancelled and earlier fills stand ("cancel newest", the exchanges' usual default);
 * - beyond the price band nothing trades and nothing comes to rest: what only the band stops ends.
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
  let budget = incoming.budget?.amount ?? 0n;
  while (remaining > 0n) {
    const maker = book.best(makers);
    if (!maker || !reaches(incoming, maker.price))
      return endUnfilled(book, incoming, fills, withinBudget(incoming, remaining, budget));
    if (maker.accountId === incoming.accountId)
      return endAtOwn(fills, withinBudget(incoming, remaining, budget));
    const wanted = within(incoming, remaining, budget, maker.price);
    if (wanted === 0n) return endOfBudget(fills);
    const qty = wanted < maker.remaining ? wanted : maker.remaining;
    remaining -= qty;
    if (incoming.budget) budget -= tradeValue(maker.price, qty);
    maker.remaining -= qty;
    if (maker.remaining === 0n) book.remove(maker.orderId);
    fills.push({ maker, price: maker.price, qty });
    // Two orders trade once: what rounding leaves of a budget is not spent on the same maker.
    if (maker.remaining > 0n && incoming.budget) return endOfBudget(fills);
  }
  return { fills, remaining, outcome: 'filled', reason: null };
}

/** What is wanted at a price: no more than the budget allows, and nothing that would cost nothing. */
function within({ budget }: IncomingOrder, remaining: bigint, left: bigint, price: bigint): bigint {
  if (!budget) return remaining;
  const affordable = affordableQty(left, price, budget.qtyIncrement);
  if (tradeValue(price, affordable) === 0n) return 0n;
  return affordable < remaining ? affordable : remaining;
}

/** What an order that comes to rest still wants, at its own price. */
const withinBudget = (incoming: IncomingOrder, remaining: bigint, left: bigint): bigint =>
  within(incoming, remaining, left, incoming.boundPrice);

/** The budget is used up but for less than one increment. */
const endOfBudget = (fills: Fill[]): MatchResult =>
  fills.length > 0
    ? { fills, remaining: 0n, outcome: 'filled', reason: null }
    : { fills, remaining: 0n, outcome: 'canceled', reason: 'notional_too_small' };

/** Cancel newest: what is left of it ends at the account's own order. */
const endAtOwn = (fills: Fill[], remaining: bigint): MatchResult =>
  remaining === 0n
    ? endOfBudget(fills)
    : { fills, remaining, outcome: 'canceled', reason: 'self_trade' };

const reaches = (incoming: IncomingOrder, price: bigint): boolean =>
  isWithin(incoming.side, price, worstPrice(incoming));

const isWithin = (side: Side, price: bigint, worst: bigint): boolean =>
  side === 'buy' ? price <= worst : price >= worst;

const worstPrice = ({ side, boundPrice, bandPrice }: IncomingOrder): bigint =>
  bandPrice == null ? boundPrice : tighter(side, boundPrice, bandPrice);

const mayRest = ({ type, timeInForce }: IncomingOrder): boolean =>
  type === 'limit' && (timeInForce === 'day' || timeInForce === 'gtc');

/** Whether but for the band it would trade on with the next order, or rest at a price beyond it. */
function isStoppedByBand(book: OrderBook, incoming: IncomingOrder): boolean {
  const { side, boundPrice } = incoming;
  if (worstPrice(incoming) === boundPrice) return false;
  const next = book.best(opposite(side));
  return mayRest(incoming) || (next !== undefined && isWithin(side, next.price, boundPrice));
}

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
  if (remaining === 0n) return endOfBudget(fills);
  if (isStoppedByBand(book, incoming)) {
    return { fills, remaining, outcome: 'canceled', reason: 'price_band' };
  }
  if (incoming.type === 'market') {
    return { fills, remaining, outcome: 'canceled', reason: 'no_liquidity' };
  }
  if (!mayRest(incoming)) {
    return { fills, remaining, outcome: 'canceled', reason: 'ioc_rest' };
  }
  const { orderId, accountId, side, boundPrice: price, seq } = incoming;
  book.add({ orderId, accountId, side, price, seq, remaining });
  return { fills, remaining, outcome: 'resting', reason: null };
}
