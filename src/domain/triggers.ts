import type { Side } from './order-book.js';

/** Digits after the point of a trailing stop's percentage. */
export const TRAIL_PERCENT_SCALE = 4;
const WHOLE = 100n * 10n ** BigInt(TRAIL_PERCENT_SCALE);

/** Which way the price must go to reach a stop. */
export type Direction = 'rise' | 'fall';

/** How far a trailing stop stays behind: one of the two is set. */
export interface Trail {
  /** In 10^-4 USD. */
  readonly trailPrice: bigint | null;
  /** In 10^-4 percent. */
  readonly trailPercent: number | null;
}

/** A buy stop waits for a rise, a sell stop for a fall. */
export const directionOf = (side: Side): Direction => (side === 'buy' ? 'rise' : 'fall');

/**
 * Where a trailing stop stands: behind the best price since it was armed (the highest when selling,
 * the lowest when buying), rounded away from the market; never below the smallest price.
 * @param hwm in 10^-4 USD
 * @returns in 10^-4 USD
 */
export function trailingStop(side: Side, hwm: bigint, { trailPrice, trailPercent }: Trail): bigint {
  if (side === 'buy') {
    if (trailPrice !== null) return hwm + trailPrice;
    return (hwm * (WHOLE + BigInt(trailPercent!)) + WHOLE - 1n) / WHOLE;
  }
  const stop =
    trailPrice !== null ? hwm - trailPrice : (hwm * (WHOLE - BigInt(trailPercent!))) / WHOLE;
  return stop > 0n ? stop : 1n;
}

/** Of two prices the one that a trailing stop follows. */
export const betterMark = (side: Side, a: bigint, b: bigint): bigint =>
  (side === 'sell') === a > b ? a : b;

/** True when a trade at this price reaches the stop. All in 10^-4 USD. */
export const isReached = (direction: Direction, stop: bigint, price: bigint): boolean =>
  direction === 'rise' ? price >= stop : price <= stop;

/** Sorts the stops of one direction: the one that triggers next has the lowest rank. */
export const triggerRank = (direction: Direction, stop: bigint): bigint =>
  direction === 'rise' ? stop : -stop;
