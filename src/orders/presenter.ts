import { averagePrice, formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import { TRAIL_PERCENT_SCALE, trailingStop } from '../domain/triggers.js';
import type { OrderView } from './model.js';
import { INTENTS } from './schema.js';

const price = (units: bigint | null): string | null =>
  units === null ? null : formatDecimal(units, PRICE_SCALE);

const percent = (units: number | null): string | null =>
  units === null ? null : formatDecimal(BigInt(units), TRAIL_PERCENT_SCALE);

/** An order in Alpaca's wire format: decimals as strings, what is unset as null. */
export function presentOrder(order: OrderView): Record<string, unknown> {
  const closed = order.closedAt?.toISOString() ?? null;
  const closedAs = (status: string) => (order.status === status ? closed : null);
  return {
    id: order.id,
    client_order_id: order.clientOrderId,
    created_at: order.createdAt.toISOString(),
    updated_at: order.updatedAt.toISOString(),
    submitted_at: order.createdAt.toISOString(),
    filled_at: closedAs('filled'),
    expires_at: null,
    expired_at: closedAs('expired'),
    canceled_at: closedAs('canceled'),
    failed_at: closedAs('rejected'),
    replaced_at: closedAs('replaced'),
    replaced_by: order.replacedBy,
    replaces: order.replaces,
    asset_id: order.assetId,
    symbol: order.symbol,
    asset_class: order.assetClass,
    notional: price(order.notional),
    qty: order.notional === null ? formatDecimal(order.qty, QTY_SCALE) : null,
    filled_qty: formatDecimal(order.filledQty, QTY_SCALE),
    filled_avg_price:
      order.filledQty > 0n ? averagePrice(order.filledValue, order.filledQty) : null,
    order_class: order.orderClass,
    order_type: order.type,
    type: order.type,
    side: order.side,
    position_intent: INTENTS[order.side],
    time_in_force: order.timeInForce,
    limit_price: price(order.limitPrice),
    stop_price: price(stopPriceOf(order)),
    status: closed === null && order.pending ? `pending_${order.pending}` : order.status,
    extended_hours: order.extendedHours,
    legs: order.legs && order.legs.length > 0 ? order.legs.map(presentOrder) : null,
    trail_percent: percent(order.trailPercent),
    trail_price: price(order.trailPrice),
    hwm: price(order.hwm),
    reason: order.reason,
    commission: price(order.fees),
    triggered_at: order.triggeredAt?.toISOString() ?? null,
    version: order.version,
  };
}

/** A trailing stop's follows from the best price so far; before it is armed there is none. */
function stopPriceOf({ type, side, stopPrice, hwm, trailPrice, trailPercent }: OrderView) {
  if (type !== 'trailing_stop' || hwm === null) return stopPrice;
  return trailingStop(side, hwm, { trailPrice, trailPercent });
}
