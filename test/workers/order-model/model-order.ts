/**
 * The rules of money and prices for the model of the broker, written from their descriptions and not
 * with the product's functions: prices and money in 10^-4 USD, quantities in 10^-9.
 */

export type Side = 'buy' | 'sell';
export type OrderType = 'market' | 'limit' | 'stop' | 'stop_limit' | 'trailing_stop';

/** What an order asks for. */
export interface Terms {
  account: number;
  side: Side;
  type: OrderType;
  timeInForce: 'day' | 'gtc' | 'ioc' | 'fok';
  qty: bigint;
  notional: bigint | null;
  limit: bigint | null;
  stop: bigint | null;
  trailPrice: bigint | null;
  /** In 10^-4 percent. */
  trailPercent: bigint | null;
}

export interface ModelOrder extends Terms {
  /** Its number, in the order of acceptance. */
  n: number;
  /** The number of its group's first order. */
  group: number | null;
  leg: 'entry' | 'profit' | 'loss' | null;
  /** The worst price that is held for. */
  bound: bigint;
  status: string;
  reason: string | null;
  filled: bigint;
  value: bigint;
  fees: bigint;
  hold: bigint;
  version: number;
  triggered: boolean;
  /** The best price that a trailing stop has seen. */
  mark: bigint | null;
  /** Where an open order waits; null while it is on its way. */
  waits: 'book' | 'trigger' | 'entry' | null;
  /** Its place in time where it waits. */
  time: number;
  cancelAsked: boolean;
  replaceAsked: boolean;
}

export const FEE_BPS = 7n;
export const COLLAR_BPS = 500n;
export const TICK = 100n;
const SHARE = 10n ** 9n;
const BPS = 10_000n;
const PERCENT = 1_000_000n;

const up = (amount: bigint, divisor: bigint): bigint => (amount + divisor - 1n) / divisor;
export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);
export const opposite = (side: Side): Side => (side === 'buy' ? 'sell' : 'buy');

export const valueOf = (price: bigint, qty: bigint): bigint => (price * qty) / SHARE;
export const feeOf = (value: bigint): bigint => (value * FEE_BPS) / BPS;
export const affordable = (money: bigint, price: bigint): bigint => (money * SHARE) / price;
export const cashFor = (price: bigint, qty: bigint): bigint =>
  up(price * qty * (BPS + FEE_BPS), SHARE * BPS);
export const cashForNotional = (notional: bigint): bigint => up(notional * (BPS + FEE_BPS), BPS);

export const isOpen = ({ status }: ModelOrder): boolean =>
  ['accepted', 'held', 'new', 'partially_filled'].includes(status);
export const restOf = ({ qty, filled }: ModelOrder): bigint => qty - filled;
export const waitsForPrice = ({ type, triggered }: ModelOrder): boolean =>
  type !== 'market' && type !== 'limit' && !triggered;

/** What an open order needs for its rest: cash when buying, shares when selling. */
export const needs = (order: ModelOrder): bigint => {
  if (!isOpen(order)) return 0n;
  return order.side === 'buy' ? cashFor(order.bound, restOf(order)) : restOf(order);
};

/** A market order's collar around the worse of the two prices, outward to the tick. */
export function collar(side: Side, a: bigint, b: bigint): bigint {
  if (side === 'buy') return up((most(a, b) * (BPS + COLLAR_BPS)) / BPS, TICK) * TICK;
  return most(((least(a, b) * (BPS - COLLAR_BPS)) / BPS / TICK) * TICK, TICK);
}

type Trail = Pick<Terms, 'side' | 'trailPrice' | 'trailPercent'>;

/** Behind the best price, rounded away from the market. */
export function trailBehind({ side, trailPrice, trailPercent }: Trail, mark: bigint): bigint {
  if (side === 'buy') {
    return trailPrice === null ? up(mark * (PERCENT + trailPercent!), PERCENT) : mark + trailPrice;
  }
  return most(
    trailPrice === null ? (mark * (PERCENT - trailPercent!)) / PERCENT : mark - trailPrice,
    1n,
  );
}

/** Where a stop stands. */
export const stopOf = (order: Trail & Pick<Terms, 'stop'>, mark: bigint): bigint =>
  order.stop ?? trailBehind(order, mark);

export const hasReached = (side: Side, stop: bigint, price: bigint): boolean =>
  side === 'buy' ? price >= stop : price <= stop;

/** The worst price that an order is held for when it is accepted. */
export function boundOf(terms: Terms, last: bigint, bestOpposite: bigint | null): bigint {
  if (terms.limit !== null) return terms.limit;
  if (terms.type === 'market') return collar(terms.side, last, bestOpposite ?? last);
  const stop = stopOf(terms, last);
  const start = hasReached(terms.side, stop, last) ? last : stop;
  return collar(terms.side, start, start);
}
