import { formatDecimal, PRICE_SCALE, QTY_SCALE, tradeValue } from './money.js';
import { checkLegs, profitOf } from './order-legs.js';
import { checkShape, type OrderShape } from './order-shape.js';
import {
  checkTick,
  checkTrail,
  priceText,
  type AssetRules,
  type OrderFault,
} from './price-rules.js';

/** The most that one order may be. */
export interface OrderLimits {
  /** In 10^-9 units. */
  readonly maxQty: bigint;
  /** In 10^-4 USD. */
  readonly maxNotional: bigint;
}

const ONE_SHARE = 10n ** BigInt(QTY_SCALE);
const ONE_DOLLAR = 10n ** BigInt(PRICE_SCALE);

const qtyText = (units: bigint): string => formatDecimal(units, QTY_SCALE);

/**
 * Checks an order against the rules of its asset and the limits of the house; needs no balance.
 * @returns the first rule that it breaks, or null
 */
export function checkOrder(
  order: OrderShape,
  asset: AssetRules,
  limits: OrderLimits,
): OrderFault | null {
  const { limitPrice, stopPrice } = order;
  const ownPrice = limitPrice ?? (order.orderClass === 'oco' ? profitOf(order) : null) ?? stopPrice;
  return (
    checkShape(order, asset.class) ??
    (order.qty === null ? null : checkQty(order.qty, asset, limits)) ??
    checkTick('limit_price', limitPrice, asset) ??
    checkTick('stop_price', stopPrice, asset) ??
    checkTrail('', order, asset) ??
    checkLegs(order, asset) ??
    (order.notional === null
      ? checkNotional(order.qty!, ownPrice ?? asset.lastPrice, asset, limits)
      : checkAmount(order.notional, asset, limits))
  );
}

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

const MIN_AMOUNT = ONE_DOLLAR;

/** An order by notional: at least a dollar, as at Alpaca, of something that can be divided. */
function checkAmount(
  notional: bigint,
  { symbol, fractionable }: AssetRules,
  { maxNotional }: OrderLimits,
): OrderFault | null {
  const value = priceText(notional);
  const fault = (message: string, allowed: Record<string, unknown>): OrderFault => ({
    message: `notional ${value} ${message}`,
    details: { field: 'notional', value, ...allowed },
  });
  if (!fractionable) return fault(`is not allowed: ${symbol} is not fractionable`, {});
  if (notional < MIN_AMOUNT) {
    const min = priceText(MIN_AMOUNT);
    return fault(`is too small: the least is ${min}`, { min });
  }
  if (notional > maxNotional) {
    const max = priceText(maxNotional);
    return fault(`is above the limit of ${max} USD`, { max_notional: max });
  }
  return null;
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
