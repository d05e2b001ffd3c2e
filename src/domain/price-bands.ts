import type { Session } from './clock.js';
import type { Side } from './order-book.js';
import { tickAt, type AssetRules } from './price-rules.js';

/**
 * The arithmetic of price bands, after the "Limit Up-Limit Down" plan of the US exchanges: the National
 * Market System Plan to Address Extraordinary Market Volatility, permanent since 2019 (luldplan.com;
 * SEC releases 34-67091 and 34-85623). Section and appendix numbers below are the plan's.
 */

/** Within them, ends included, an asset may trade. In 10^-4 USD. */
export interface PriceBand {
  readonly lower: bigint;
  readonly upper: bigint;
}

export type Edge = keyof PriceBand;

/** What an asset's bands depend on. */
export interface BandTerms extends Pick<AssetRules, 'class' | 'priceIncrement'> {
  /** The percentage parameter of a stock above 3 dollars, of a coin at any price; 1/100 percent. */
  readonly bandBps: number;
}

/** The best resting prices; null on a side where nothing rests. In 10^-4 USD. */
export interface BestPrices {
  readonly bid: bigint | null;
  readonly ask: bigint | null;
}

const BPS_ONE = 10_000n;
/** Up to 3 dollars, 20 %; below 75 cents, the lesser of 15 cents and 75 % (Appendix A, I and II). */
const THREE_DOLLARS = 30_000n;
const LOW_BPS = 2_000n;
const PENNIES_BELOW = 7_500n;
const PENNIES_WIDTH = 1_500n;
const PENNIES_BPS = 7_500n;

const MINUTE_MS = 60_000;
const OPEN_MS = 15 * MINUTE_MS;
const CLOSE_MS = 25 * MINUTE_MS;
/** Section V (A)(1): the mean of this time's trades is the next reference ... */
export const REFERENCE_WINDOW_MS = 5 * MINUTE_MS;
/** ... once it is so far away from the one that is in force ... */
const MOVE_BPS = 100n;
/** ... and that one has been in force for so long. */
export const REFERENCE_STAYS_MS = 30_000;

/** The edge that stops a side: buyers are stopped from above, sellers from below. */
export const edgeOf = (side: Side): Edge => (side === 'buy' ? 'upper' : 'lower');

/**
 * The bands around a reference price (Section V (A)): on the tick, the nearest one, and the lower one
 * not below one tick.
 * @param reference in 10^-4 USD, above zero
 * @param isDoubled near the open and the close, see {@link isDoubledAt}
 */
export function bandAround(reference: bigint, terms: BandTerms, isDoubled: boolean): PriceBand {
  const width = widthOf(reference, terms) * (isDoubled ? 2n : 1n);
  const lower = toTick(reference - width, terms);
  return { lower, upper: toTick(reference + width, terms) };
}

function widthOf(reference: bigint, { class: assetClass, bandBps }: BandTerms): bigint {
  const usual = BigInt(bandBps);
  const share = (bps: bigint) => (reference * bps) / BPS_ONE;
  if (assetClass === 'crypto' || reference > THREE_DOLLARS) return share(usual);
  if (reference >= PENNIES_BELOW) return share(usual > LOW_BPS ? usual : LOW_BPS);
  const most = share(PENNIES_BPS);
  return most < PENNIES_WIDTH ? most : PENNIES_WIDTH;
}

function toTick(price: bigint, terms: BandTerms): bigint {
  const tick = tickAt(price, terms);
  const rounded = ((price + tick / 2n) / tick) * tick;
  return rounded > tick ? rounded : tick;
}

/**
 * Whether the bands are twice as wide: in the first 15 and the last 25 minutes of a session, as the plan
 * had it at first. Since its Amendment 18 (SEC release 34-85623) it doubles nothing at the open, which
 * an auction begins there; here none does. Between sessions they are as they will be at the open.
 * @param session the one of this day; null when there is none
 */
export function isDoubledAt(now: Date, session: Session | null): boolean {
  if (!session || now < session.open || now >= session.close) return true;
  const [at, open, close] = [now, session.open, session.close].map((time) => time.getTime());
  return at! - open! < OPEN_MS || close! - at! <= CLOSE_MS;
}

/** True when a mean of trades is far enough away to become the reference. All in 10^-4 USD. */
export function isMoved(reference: bigint, mean: bigint): boolean {
  const away = mean > reference ? mean - reference : reference - mean;
  return away * BPS_ONE >= reference * MOVE_BPS;
}

/** True for a resting price that may not trade: a bid above the bands or an ask below them. */
export const isStranded = (side: Side, price: bigint, { lower, upper }: PriceBand): boolean =>
  side === 'buy' ? price > upper : price < lower;

/**
 * The edge that the market presses against, or null (Section VI (B), the "limit state"): the best bid
 * stands at the upper band or the best ask at the lower one; or orders were stopped there and nobody
 * offers anything inside the bands, but somebody does beyond them.
 * @param wasStopped at which edges orders were stopped, with no trade since
 */
export function pressedEdge(
  { lower, upper }: PriceBand,
  { bid, ask }: BestPrices,
  wasStopped: Readonly<Record<Edge, boolean>>,
): Edge | null {
  if (bid === upper || (wasStopped.upper && ask !== null && ask > upper)) return 'upper';
  if (ask === lower || (wasStopped.lower && bid !== null && bid < lower)) return 'lower';
  return null;
}
