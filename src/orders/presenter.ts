import { averagePrice, formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { OrderView } from './model.js';

const price = (units: bigint | null): string | null =>
  units === null ? null : formatDecimal(units, PRICE_SCALE);

/** An order in Alpaca's wire format: decimals as strings, what is unset as null. */
export function presentOrder(order: OrderView): Record<string, unknown> {
  const closed = order.closedAt?.toISOString() ?? null;
  const open = closed === null;
  return {
    id: order.id,
    client_order_id: order.clientOrderId,
    created_at: order.createdAt.toISOString(),
    updated_at: order.updatedAt.toISOString(),
    submitted_at: order.createdAt.toISOString(),
    filled_at: order.status === 'filled' ? closed : null,
    expired_at: order.status === 'expired' ? closed : null,
    canceled_at: order.status === 'canceled' ? closed : null,
    failed_at: order.status === 'rejected' ? closed : null,
    replaced_at: null,
    replaced_by: null,
    replaces: null,
    asset_id: order.assetId,
    symbol: order.symbol,
    asset_class: order.assetClass,
    notional: null,
    qty: formatDecimal(order.qty, QTY_SCALE),
    filled_qty: formatDecimal(order.filledQty, QTY_SCALE),
    filled_avg_price:
      order.filledQty > 0n ? averagePrice(order.filledValue, order.filledQty) : null,
    order_class: '',
    order_type: order.type,
    type: order.type,
    side: order.side,
    time_in_force: order.timeInForce,
    limit_price: price(order.limitPrice),
    stop_price: null,
    status: open && order.cancelPending ? 'pending_cancel' : order.status,
    extended_hours: order.extendedHours,
    legs: null,
    trail_percent: null,
    trail_price: null,
    hwm: null,
    reason: order.reason,
    commission: price(order.fees),
    version: order.version,
  };
}
