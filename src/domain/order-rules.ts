import { formatDecimal, PRICE_SCALE, QTY_SCALE, tradeValue } from './money.js';

/** What the static checks look at. Quantities in 10^-9 units, prices in 10^-4 USD. */
export interface CheckedOrder {
  readonly type: 'market' | 'limit';
  readonly qty: bigint;
  readonly limitPrice: bigint | null;
}

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

/** The most that one order may be. */
export interface OrderLimits {
  /** In 10^-9 units. */
  readonly maxQty: bigint;
  /** In 10^-4 USD. */
  readonly maxNotional: bigint;
}

/** Why an order cannot be accepted, in words and as data for a program. */
export interface OrderFault {
  readonly message: string;
  /** `field` and `value` as sent, and what would have been allowed. Decimals as text. */
  readonly details: Readonly<Record<string, unknown>>;
}

const ONE_SHARE = 10n ** BigInt(QTY_SCALE);
const ONE_DOLLAR = 10n ** BigInt(PRICE_SCALE);

const qtyText = (units: bigint): string => formatDecimal(units, QTY_SCALE);
const priceText = (units: bigint): string => formatDecimal(units, PRICE_SCALE);

/**
 * Checks an order against the rules of its asset and the limits of the house; needs no balance.
 * @returns the first rule that it breaks, or null
 */
export function checkOrder(
  order: CheckedOrder,
  asset: AssetRules,
  limits: OrderLimits,
): OrderFault | null {
  return (
    checkQty(order.qty, asset, limits) ??
    checkPrice(order, asset) ??
    checkNotional(order.qty, order.limitPrice ?? asset.lastPrice, asset, limits)
  );
}

/**
 * The tick that applies at a price, in 10^-4 USD. Stocks below one dollar trade in steps of 0.0001
 * (SEC Regulation NMS, Rule 612); at or above it, and for crypto, in the asset's own steps.
 */
export const tickAt = (
  price: bigint,
  asset: Pick<AssetRules, 'class' | 'priceIncrement'>,
): bigint => (asset.class === 'us_equity' && price < ONE_DOLLAR ? 1n : asset.priceIncrement);

function checkQty(qty: bigint, asset: AssetRules, { maxQty }: OrderLimits): OrderFault | null {
  const value = qtyText(qty);
  const fault = (message: string, allowed: Record<string, unknown> = {}): OrderFault => ({
    message: `qty ${value} ${message}`,
    details: { field: 'qty', value, ...allowed },
  });
  if (qty <= 0n) return fault('must be greater than 0', { min: qtyText(asset.minOrderSize) });
  if (!asset.fractionable && qty % ONE_SHARE !== 0n) {
    return fault(`must be a whole number: ${asset.symbol} is not fractionable`, { increment: '1' });
  }
  if (qty < asset.minOrderSize) {
    const min = qtyText(asset.minOrderSize);
    return fault(`is too small: the smallest order in ${asset.symbol} is ${min}`, { min });
  }
  if (qty % asset.minTradeIncrement !== 0n) {
    const increment = qtyText(asset.minTradeIncrement);
    return fault(`must be a multiple of ${increment} in ${asset.symbol}`, { increment });
  }
  if (qty > maxQty) {
    const max = qtyText(maxQty);
    return fault(`is too large: an order may have at most ${max}`, { max });
  }
  return null;
}

function checkPrice({ type, limitPrice }: CheckedOrder, asset: AssetRules): OrderFault | null {
  const value = limitPrice === null ? null : priceText(limitPrice);
  const fault = (message: string, allowed: Record<string, unknown> = {}): OrderFault => ({
    message: `limit_price ${message}`,
    details: { field: 'limit_price', value, ...allowed },
  });
  if (type === 'market') {
    return limitPrice === null ? null : fault('is not allowed for a market order');
  }
  if (limitPrice === null) return fault('is required for a limit order');
  const tick = tickAt(limitPrice, asset);
  const increment = priceText(tick);
  if (limitPrice <= 0n) return fault(`${value} must be greater than 0`, { min: increment });
  const over = limitPrice % tick;
  if (over !== 0n) return fault(...offTick(limitPrice, over, tick, asset.symbol));
  return null;
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
    `${priceText(price)} is not a multiple of the price increment ${increment} of ${symbol}; ` +
    `the nearest allowed: ${nearest.join(' and ')}`;
  return [message, { increment, nearest }];
}

function checkNotional(
  qty: bigint,
  price: bigint,
  asset: AssetRules,
  { maxNotional }: OrderLimits,
): OrderFault | null {
  const notional = tradeValue(price, qty);
  const value = priceText(notional);
  const order = `${qtyText(qty)} ${asset.symbol} at ${priceText(price)}`;
  // Less than the smallest amount of money would change hands for nothing.
  if (notional < 1n) {
    const min = priceText(1n);
    return {
      message: `the order's value (${order}) is below the smallest amount of ${min} USD`,
      details: { field: 'qty', value: qtyText(qty), notional: value, min_notional: min },
    };
  }
  if (notional > maxNotional) {
    const max = priceText(maxNotional);
    return {
      message: `the order's value of ${value} USD (${order}) is above the limit of ${max} USD`,
      details: { field: 'qty', value: qtyText(qty), notional: value, max_notional: max },
    };
  }
  return null;
}
