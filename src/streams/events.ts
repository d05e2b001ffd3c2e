import type { Knex } from 'knex';
import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import { Order, type OrderStatus, type OrderView } from '../orders/model.js';
import { presentOrder } from '../orders/presenter.js';

/** One line of an account's log, with the terms of its order. */
export interface EventView {
  eventId: bigint;
  type: string;
  executionId: string | null;
  price: bigint | null;
  qty: bigint | null;
  positionQty: bigint | null;
  occurredAt: Date;
  /** The order as this event left it; null when the event is not about an order. */
  order: OrderView | null;
}

interface EventRow extends Omit<EventView, 'order'> {
  orderId: string | null;
  orderStatus: OrderStatus;
  orderVersion: number;
  filledQty: bigint;
  filledValue: bigint;
  fees: bigint;
  reason: string | null;
}

const OPEN_STATUSES: ReadonlySet<string> = new Set(['accepted', 'held', 'new', 'partially_filled']);

/**
 * A page of an account's log, in its order and without gaps.
 * @param sinceId the last event id that the reader has; 0 for the beginning
 */
export async function readEvents(
  knex: Knex,
  accountId: string,
  sinceId: bigint,
  limit: number,
): Promise<EventView[]> {
  const rows = await knex('account_events')
    .where({ account_id: accountId })
    .where('event_id', '>', sinceId.toString())
    .orderBy('event_id')
    .limit(limit)
    .select<EventRow[]>({
      eventId: 'event_id',
      type: 'type',
      executionId: 'execution_id',
      price: 'price',
      qty: 'qty',
      positionQty: 'position_qty',
      occurredAt: 'occurred_at',
      orderId: 'order_id',
      orderStatus: 'order_status',
      orderVersion: 'order_version',
      filledQty: 'filled_qty',
      filledValue: 'filled_value',
      fees: 'fees',
      reason: 'reason',
    });
  const terms = await findTerms(knex, rows);
  return rows.map((row) => {
    const order = terms.get(row.orderId ?? '');
    return { ...row, order: orderAt(row, order) };
  });
}

type Terms = Omit<OrderView, 'pending'>;

async function findTerms(knex: Knex, rows: readonly EventRow[]): Promise<Map<string, Terms>> {
  const ids = [...new Set(rows.map(({ orderId }) => orderId).filter((id) => id !== null))];
  const orders = (await Order.query(knex)
    .select('orders.*', 'assets.symbol', 'assets.class as asset_class')
    .join('assets', 'assets.id', 'orders.asset_id')
    .whereIn('orders.id', ids)) as unknown as Terms[];
  return new Map(orders.map((order) => [order.id, order]));
}

/** What an event says is under way. */
const pendingAt = (type: string): OrderView['pending'] =>
  type === 'pending_cancel' ? 'cancel' : type === 'pending_replace' ? 'replace' : null;

/** What never changes is the order's own; the rest is as this event left it. */
function orderAt(event: EventRow, terms: Terms | undefined): OrderView | null {
  if (!terms) return null;
  return {
    ...terms,
    status: event.orderStatus,
    version: event.orderVersion,
    filledQty: event.filledQty,
    filledValue: event.filledValue,
    fees: event.fees,
    reason: event.reason,
    updatedAt: event.occurredAt,
    closedAt: OPEN_STATUSES.has(event.orderStatus) ? null : event.occurredAt,
    pending: pendingAt(event.type),
  };
}

const decimal = (units: bigint | null, scale: number): string | null =>
  units === null ? null : formatDecimal(units, scale);

/** An event as the streams send it. */
export const presentEvent = (event: EventView): Record<string, unknown> => ({
  event_id: Number(event.eventId),
  event: event.type,
  timestamp: event.occurredAt.toISOString(),
  execution_id: event.executionId,
  price: decimal(event.price, PRICE_SCALE),
  qty: decimal(event.qty, QTY_SCALE),
  position_qty: decimal(event.positionQty, QTY_SCALE),
  order: event.order && presentOrder(event.order),
});
