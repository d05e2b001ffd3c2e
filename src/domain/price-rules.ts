import { formatDecimal, PRICE_SCALE } from './money.js';
import type { OrderShape } from './order-shape.js';

/** What an asset allows. */
export interface AssetRules {
  readonly symbol: string;
  readonly class: 'us_equity' | 'crypto';
  readonly fractionable: boolean;
  /** The tick, in 10^-4 USD. */
  readonly priceIncrement: bigint;
  readonly minOrderSize: bigint;
  readonly minTradeIncrement: bigint;
  /** What a market order is valued at, in 10^-4 USD. */
  readonly lastPrice: bigint;
}

/** Why an order cannot be accepted, in words and as data for a program. */
export interface OrderFault {
  readonly message: string;
  /** `field` and `value` as sent, and what would have been allowed. Decimals as text. */
  readonly details: Readonly<Record<string, unknown>>;
}

const ONE_DOLLAR = 10n ** BigInt(PRICE_SCALE);

export const priceText = (units: bigint): string => formatDecimal(units, PRICE_SCALE);

/**
 * The tick that applies at a price, in 10^-4 USD. Stocks below one dollar trade in steps of 0.0001
 * (SEC Regulation NMS, Rule 612); at or above it, and for crypto, in the asset's own steps.
 */
export const tickAt = (
  price: bigint,
  asset: Pick<AssetRules, 'class' | 'priceIncrement'>,
): bigint => (asset.class === 'us_equity' && price < ONE_DOLLAR ? 1n : asset.priceIncrement);

/** A price is above zero and on the tick; null is none. */
export function checkTick(
  field: string,
  price: bigint | null,
  asset: AssetRules,
): OrderFault | null {
  if (price === null) return null;
  const value = priceText(price);
  const tick = tickAt(price, asset);
  const fault = (message: string, allowed: Record<string, unknown>): OrderFault => ({
    message: `${field} ${value} ${message}`,
    details: { field, value, ...allowed },
  });
  if (price <= 0n) return fault('must be greater than 0', { min: priceText(tick) });
  const over = price % tick;
  return over === 0n ? null : fault(...offTick(price, over, tick, asset.symbol));
}

const PERCENT_ONE = 10_000;
const PERCENT_MAX = 99.9999;

/** A trail is above zero and leaves a price. @param prefix such as `stop_loss.` */
export function checkTrail(
  prefix: string,
  { trailPrice, trailPercent }: Pick<OrderShape, 'trailPrice' | 'trailPercent'>,
  asset: AssetRules,
): OrderFault | null {
  const fault = (field: string, value: string, message: string): OrderFault => ({
    message: `${prefix}${field} ${value} ${message}`,
    details: { field: prefix + field, value },
  });
  if (trailPercent !== null && (trailPercent < 1 || trailPercent > PERCENT_MAX * PERCENT_ONE)) {
    const allowed = `must be above 0 and at most ${PERCENT_MAX}`;
    return fault('trail_percent', String(trailPercent / PERCENT_ONE), allowed);
  }
  if (trailPrice === null) return null;
  if (trailPrice <= 0n)
    return fault('trail_price', priceText(trailPrice), 'must be greater than 0');
  if (trailPrice < asset.lastPrice) return null;
  const last = priceText(asset.lastPrice);
  return fault('trail_price', priceText(trailPrice), `must be less than the price of ${last}`);
}

/** Names the two prices next to the refused one, so that a client sees at once what would do. */
function offTick(
  price: bigint,
  over: bigint,
  tick: bigint,
  symbol: string,
): [string, Record<string, unknown>] {
  const increment = priceText(tick);
  const nearest = [price - over, price - over + tick].filter((near) => near > 0n).map(priceText);
  const message =
    `is not a multiple of the price increment ${increment} of ${symbol}; ` +
    `the nearest allowed: ${nearest.join(' and ')}`;
  return [message, { increment, nearest }];
}
