import type { Database, Statement } from '../db.js';
import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { OrderStatus, OrderView } from '../orders/model.js';
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

/** Where a reader of an account's log stands. */
export interface LogPosition {
  readonly accountId: string;
  /** The last event id that the reader has; 0 for the beginning. */
  readonly sinceId: bigint;
  /** The last event id that the reader wants; without it there is no end. */
  readonly untilId?: bigint | undefined;
}

/** What an event says of its order; the rest is the order's own. */
type EventProgress =
  | 'status'
  | 'version'
  | 'filledQty'
  | 'filledValue'
  | 'fees'
  | 'reason'
  | 'updatedAt'
  | 'closedAt'
  | 'pending';
type Terms = Omit<OrderView, EventProgress | 'legs'>;

/** Every member has its column here, or this does not compile. */
const TERMS: Record<keyof Terms, string> = {
  id: 'o.id',
  accountId: 'o.account_id',
  assetId: 'o.asset_id',
  shard: 'o.shard',
  clientOrderId: 'o.client_order_id',
  side: 'o.side',
  type: 'o.type',
  timeInForce: 'o.time_in_force',
  qty: 'o.qty',
  notional: 'o.notional',
  limitPrice: 'o.limit_price',
  stopPrice: 'o.stop_price',
  trailPrice: 'o.trail_price',
  trailPercent: 'o.trail_percent',
  orderClass: 'o.order_class',
  leg: 'o.leg',
  groupId: 'o.group_id',
  replaces: 'o.replaces',
  boundPrice: 'o.bound_price',
  feeBps: 'o.fee_bps',
  extendedHours: 'o.extended_hours',
  createdAt: 'o.created_at',
  hold: 'o.hold',
  replacedBy: 'o.replaced_by',
  triggeredAt: 'o.triggered_at',
  hwm: 'o.hwm',
  symbol: 'a.symbol',
  assetClass: 'a.class',
};

interface EventColumns {
  /** Counts the readers from 1. */
  reader: number;
  eventId: bigint;
  eventType: string;
  executionId: string | null;
  eventPrice: bigint | null;
  eventQty: bigint | null;
  positionQty: bigint | null;
  occurredAt: Date;
  orderStatus: OrderStatus;
  orderVersion: number;
  filledQty: bigint;
  filledValue: bigint;
  fees: bigint;
  reason: string | null;
}
/** Without an order its terms are null, its id among them. */
type EventRow = EventColumns & Omit<Terms, 'id'> & { id: string | null };

/**
 * $1-$3 the readers' accounts, last ids seen and last ids wanted, $4 events for each of them. One
 * statement for all readers, with the orders joined: a live event waits for one round trip.
 */
const READ_EVENTS: Statement = {
  name: 'streams-read-events',
  text: `select c.reader::int as reader, e.event_id as "eventId", e.type as "eventType",
      e.execution_id as "executionId", e.price as "eventPrice", e.qty as "eventQty",
      e.position_qty as "positionQty", e.occurred_at as "occurredAt",
      e.order_status as "orderStatus", e.order_version as "orderVersion",
      e.filled_qty as "filledQty", e.filled_value as "filledValue", e.fees, e.reason,
      ${Object.entries(TERMS)
        .map(([name, column]) => `${column} as "${name}"`)
        .join(', ')}
    from unnest($1::uuid[], $2::bigint[], $3::bigint[])
      with ordinality as c (account_id, since_id, until_id, reader)
    cross join lateral (
      select * from account_events
      where account_id = c.account_id and event_id > c.since_id and event_id <= c.until_id
      order by event_id limit $4
    ) e
    left join orders o on o.id = e.order_id
    left join assets a on a.id = o.asset_id
    order by c.reader, e.event_id`,
};

/** Beyond every event id: the largest bigint. */
const NO_END = 2n ** 63n - 1n;

/**
 * The next page of each reader's log, in its order and without gaps.
 * @param limit events for each reader
 * @returns a page for each reader, in the readers' order; shorter than the limit at the log's end
 */
export async function readEvents(
  db: Pick<Database, 'run'>,
  readers: readonly LogPosition[],
  limit: number,
): Promise<EventView[][]> {
  const rows = await db.run<EventRow>(READ_EVENTS, [
    readers.map(({ accountId }) => accountId),
    readers.map(({ sinceId }) => sinceId),
    readers.map(({ untilId }) => untilId ?? NO_END),
    limit,
  ]);
  const pages = readers.map((): EventView[] => []);
  for (const row of rows) pages[row.reader - 1]!.push(eventOf(row));
  return pages;
}

const eventOf = (row: EventRow): EventView => ({
  eventId: row.eventId,
  type: row.eventType,
  executionId: row.executionId,
  price: row.eventPrice,
  qty: row.eventQty,
  positionQty: row.positionQty,
  occurredAt: row.occurredAt,
  order: orderAt(row),
});

const OPEN_STATUSES: ReadonlySet<string> = new Set(['accepted', 'held', 'new', 'partially_filled']);

/** What never changes is the order's own; the rest is as this event left it. */
function orderAt(row: EventRow): OrderView | null {
  if (row.id === null) return null;
  return {
    ...(row as EventRow & { id: string }),
    status: row.orderStatus,
    version: row.orderVersion,
    updatedAt: row.occurredAt,
    closedAt: OPEN_STATUSES.has(row.orderStatus) ? null : row.occurredAt,
    pending: pendingAt(row.eventType),
  };
}

/** What an event says is under way. */
const pendingAt = (type: string): OrderView['pending'] =>
  type === 'pending_cancel' ? 'cancel' : type === 'pending_replace' ? 'replace' : null;

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
