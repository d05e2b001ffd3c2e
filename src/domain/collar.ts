import type { Side } from './order-book.js';

const BPS_ONE = 10_000n;

/**
 * The worst price that any order may trade at: a band around the reference price, against mistyped
 * prices. Only the side that would hurt is bounded: a buyer's from above, a seller's from below.
 * @param reference in 10^-4 USD
 * @param collarBps the width in 1/100 of a percent
 */
export function priceBand(side: Side, reference: bigint, collarBps: number): bigint {
  const width = BigInt(collarBps);
  if (side === 'buy') return (reference * (BPS_ONE + width)) / BPS_ONE;
  const lowest = (reference * (BPS_ONE - width) + BPS_ONE - 1n) / BPS_ONE;
  return lowest > 0n ? lowest : 1n;
}

/** Of two bounds the one that allows less. */
export const tighter = (side: Side, a: bigint, b: bigint): bigint =>
  (side === 'buy') === a < b ? a : b;

/**
 * The worst price a market order may trade at ("market with protection", as CME names it): a collar
 * around the last trade or, where the book has moved away from it, around the best resting price.
 * It bounds what a buyer can be made to pay, and so what has to be held.
 * @param bestOpposite the best resting price on the other side, in 10^-4 USD; null when there is none
 * @param collarBps    the width in 1/100 of a percent
 * @param tick         in 10^-4 USD; the bound is on it, rounded outward and never below one tick
 */
export function marketBound(
  side: Side,
  lastPrice: bigint,
  bestOpposite: bigint | null,
  collarBps: number,
  tick: bigint,
): bigint {
  const best = bestOpposite ?? lastPrice;
  const width = BigInt(collarBps);
  if (side === 'buy') {
    const anchor = best > lastPrice ? best : lastPrice;
    const bound = (anchor * (BPS_ONE + width)) / BPS_ONE;
    return ((bound + tick - 1n) / tick) * tick;
  }
  const anchor = best < lastPrice ? best : lastPrice;
  const bound = ((anchor * (BPS_ONE - width)) / BPS_ONE / tick) * tick;
  return bound > 0n ? bound : tick;
}
