import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { Bar } from './bars-model.js';

const AVERAGE_SCALE = 6;
const AVERAGE_FACTOR = 10n ** BigInt(AVERAGE_SCALE - PRICE_SCALE + QTY_SCALE);

/** A decimal as a JSON number: the wire format of market data has no text for them. */
export const decimalNumber = (units: bigint, scale: number): number =>
  Number(formatDecimal(units, scale));

/** A price in 10^-4 USD as a JSON number. */
export const priceNumber = (price: bigint): number => decimalNumber(price, PRICE_SCALE);

/** A quantity in 10^-9 units as a JSON number. */
export const qtyNumber = (qty: bigint): number => decimalNumber(qty, QTY_SCALE);

/** A bar in Alpaca's wire format. */
export const presentBar = (bar: Bar) => ({
  t: bar.startsAt.toISOString().replace('.000Z', 'Z'),
  o: priceNumber(bar.open),
  h: priceNumber(bar.high),
  l: priceNumber(bar.low),
  c: priceNumber(bar.close),
  v: qtyNumber(bar.volume),
  n: bar.trades,
  vw: averagePrice(bar),
});

/**
 * What a unit cost on average, to six places, rounded down. The values of trades were rounded down one
 * by one, which tells with tiny quantities: the average is never outside of the bar.
 */
function averagePrice({ value, volume, low, high }: Bar): number {
  const average = (value * AVERAGE_FACTOR) / volume;
  const scaled = (price: bigint): bigint => price * 10n ** BigInt(AVERAGE_SCALE - PRICE_SCALE);
  if (average < scaled(low)) return priceNumber(low);
  if (average > scaled(high)) return priceNumber(high);
  return decimalNumber(average, AVERAGE_SCALE);
}
