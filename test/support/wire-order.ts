import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../../src/domain/money.js';
import { TRAIL_PERCENT_SCALE } from '../../src/domain/triggers.js';
import type { PlaceOrder } from '../../src/orders/new-order.js';

const price = (units: bigint | null | undefined): string | null =>
  units == null ? null : formatDecimal(units, PRICE_SCALE);

const percent = (units: number | null | undefined): string | null =>
  units == null ? null : formatDecimal(BigInt(units), TRAIL_PERCENT_SCALE);

/** The body of `POST /v2/orders` that asks for it. */
export function wireOrder(order: PlaceOrder): Record<string, unknown> {
  const { takeProfit, stopLoss } = order;
  return {
    symbol: order.symbol,
    side: order.side,
    type: order.type,
    time_in_force: order.timeInForce,
    qty: order.qty === null ? null : formatDecimal(order.qty, QTY_SCALE),
    notional: price(order.notional),
    limit_price: price(order.limitPrice),
    stop_price: price(order.stopPrice),
    trail_price: price(order.trailPrice),
    trail_percent: percent(order.trailPercent),
    order_class: order.orderClass ?? '',
    take_profit: takeProfit ? { limit_price: price(takeProfit.limitPrice) } : null,
    stop_loss: stopLoss
      ? {
          stop_price: price(stopLoss.stopPrice),
          limit_price: price(stopLoss.limitPrice),
          trail_price: price(stopLoss.trailPrice),
          trail_percent: percent(stopLoss.trailPercent),
        }
      : null,
  };
}
