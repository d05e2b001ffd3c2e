import { tradeValue } from './money.js';

/** A position's day so far. Quantities in 10^-9, money in 10^-4 USD. */
export interface PositionDay {
  /** What is there now, above zero. */
  readonly qty: bigint;
  readonly bought: bigint;
  /** What the purchases cost, with their fees. */
  readonly cost: bigint;
  readonly sold: bigint;
  /** The price at the previous close. */
  readonly previousClose: bigint;
}

/**
 * What the day's profit on a position is measured from, in 10^-4 USD: what was there at the previous
 * close counts at that close's price, what was bought since at what it cost. Sales take from the
 * oldest first (FIFO, the usual rule of US tax law). Shares that were brought in from outside count
 * as there before.
 */
export function intradayBasis({ qty, bought, cost, sold, previousClose }: PositionDay): bigint {
  const atOpen = qty - bought + sold;
  if (sold <= atOpen) return tradeValue(previousClose, atOpen - sold) + cost;
  return bought > 0n ? (cost * qty) / bought : tradeValue(previousClose, qty);
}
