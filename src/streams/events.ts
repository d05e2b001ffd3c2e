import type { Database, Statement } from '../db.js';
import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { OrderView } from '../orders/model.js';
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
  /** What is told; null when the event is about an order. */
  data: Readonly<Record<string, unknown>> | null;
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

type OrderColumns = Omit<OrderView, 'legs' | 'pending' | 'closedAt'>;

/**
 * What never changes is the order's own; the rest is as the event left it. Every member has its column
 * here, or this does not compile.
 */
const ORDER: Record<keyof OrderColumns, string> = {
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
  // A trailing stop's is with what is parked for as long as it waits.
  hwm: `coalesce(o.hwm, case when o.type = 'trailing_stop'
    then (select p.hwm from parked_orders p where p.order_id = o.id) end)`,
  symbol: 'a.symbol',
  assetClass: 'a.class',
  status: 'e.order_status',
  version: 'e.order_version',
  filledQty: 'e.filled_qty',
  filledValue: 'e.filled_value',
  fees: 'e.fees',
  reason: 'e.reason',
  updatedAt: 'e.occurred_at',
};

/** The members of an order, and beside them those of the event. */
interface EventRow extends Omit<OrderView, 'id'> {
  /** Counts the readers from 1. */
  reader: number;
  eventId: bigint;
  eventType: string;
  executionId: string | null;
  eventPrice: bigint | null;
  eventQty: bigint | null;
  positionQty: bigint | null;
  data: Readonly<Record<string, unknown>> | null;
  /** Null, as all of the order's own, when the event is not about an order. */
  id: string | null;
}

/**
 * $1-$3 the readers' accounts, last ids seen and last ids wanted, $4 events for each of them. One
 * statement for all readers, with the orders joined: a live event waits for one round trip.
 */
const READ_EVENTS: Statement = {
  name: 'streams-read-events',
  text: `select c.reader::int as reader, e.event_id as "eventId", e.type as "eventType",
      e.execution_id as "executionId", e.price as "eventPrice", e.qty as "eventQty",
      e.position_qty as "positionQty", e.data, null as "closedAt", null as pending,
      ${Object.entries(ORDER)
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
  data: row.data,
  occurredAt: row.updatedAt,
  order: row.id === null ? null : orderAt(row as EventRow & { id: string }),
});

const OPEN_STATUSES: ReadonlySet<string> = new Set(['accepted', 'held', 'new', 'partially_filled']);

/** The row becomes the order: a copy was measured to cost a third of a read. */
function orderAt(row: EventRow & { id: string }): OrderView {
  row.closedAt = OPEN_STATUSES.has(row.status) ? null : row.updatedAt;
  row.pending = pendingAt(row.eventType);
  return row;
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
  data: event.data,
  order: event.order && presentOrder(event.order),
});
