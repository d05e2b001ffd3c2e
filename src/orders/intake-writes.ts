import type { Tx } from '../db.js';
import type { Funds } from '../domain/risk.js';
import { writeOrderTraces, type OrderTrace } from '../tracing/order-traces.js';
import * as sql from './intake-statements.js';
import type { EventRow, IntakeState, KeyRow, WorkRow } from './intake-store.js';
import type { OrderView } from './model.js';

/** What a batch decided. */
export interface IntakeChanges {
  now: Date;
  orders: OrderView[];
  work: WorkRow[];
  events: EventRow[];
  keys: KeyRow[];
  traces: OrderTrace[];
}

/** Writes what was decided: one round trip, one statement a table. */
export async function writeChanges(
  tx: Tx,
  { now, orders, work, events, keys, traces }: IntakeChanges,
  { accounts }: IntakeState,
  funds: Funds,
): Promise<void> {
  const touched = [...new Set(events.map(({ accountId }) => accountId))];
  const drawn = funds.qtyReserved();
  const plain = orders.filter(isPlain);
  const special = orders.filter((order) => !isPlain(order));
  const legs = special.filter(({ status }) => status === 'held');
  await Promise.all([
    plain.length > 0 && tx.run(sql.INSERT_ORDERS, [...orderColumns(plain), now]),
    special.length > 0 &&
      tx.run(sql.INSERT_SPECIAL_ORDERS, [
        ...orderColumns(special),
        now,
        ...specialColumns(special),
      ]),
    legs.length > 0 && tx.run(sql.PARK_LEGS, [legs.map(({ id }) => id)]),
    work.length > 0 && tx.run(sql.INSERT_WORK, [...workColumns(work), now]),
    events.length > 0 && tx.run(sql.INSERT_EVENTS, [...eventColumns(events), now]),
    drawn.length > 0 &&
      tx.run(sql.UPDATE_POSITIONS, [
        drawn.map(({ accountId }) => accountId),
        drawn.map(({ assetId }) => assetId),
        drawn.map(({ qty }) => qty),
      ]),
    touched.length > 0 &&
      tx.run(sql.UPDATE_ACCOUNTS, [
        touched,
        touched.map((id) => funds.cashReserved(id)),
        touched.map((id) => accounts.get(id)!.lastEventId),
      ]),
    keys.length > 0 && tx.run(sql.INSERT_IDEMPOTENCY_KEYS, keyColumns(keys)),
    traces.length > 0 && writeOrderTraces(tx, traces, now),
  ]);
}

const orderColumns = (orders: readonly OrderView[]): unknown[][] => [
  orders.map((order) => order.id),
  orders.map((order) => order.accountId),
  orders.map((order) => order.assetId),
  orders.map((order) => order.shard),
  orders.map((order) => order.clientOrderId),
  orders.map((order) => order.side),
  orders.map((order) => order.type),
  orders.map((order) => order.timeInForce),
  orders.map((order) => order.qty),
  orders.map((order) => order.limitPrice),
  orders.map((order) => order.boundPrice),
  orders.map((order) => order.feeBps),
  orders.map((order) => order.extendedHours),
  orders.map((order) => order.hold),
];

/** Most orders are: they have none of what `specialColumns` says. */
const isPlain = ({ type, notional, groupId, replaces }: OrderView): boolean =>
  (type === 'market' || type === 'limit') &&
  notional === null &&
  groupId === null &&
  replaces === null;

const specialColumns = (orders: readonly OrderView[]): unknown[][] => [
  orders.map((order) => order.status),
  orders.map((order) => order.notional),
  orders.map((order) => order.stopPrice),
  orders.map((order) => order.trailPrice),
  orders.map((order) => order.trailPercent),
  orders.map((order) => order.orderClass),
  orders.map((order) => order.leg),
  orders.map((order) => order.groupId),
  orders.map((order) => order.replaces),
  orders.map((order) => order.triggeredAt?.toISOString()),
];

const workColumns = (work: readonly WorkRow[]): unknown[][] => [
  work.map((row) => row.shard),
  work.map((row) => row.kind),
  work.map((row) => row.orderId),
  work.map((row) => row.accountId),
  work.map((row) => row.newOrderId),
  work.map((row) => row.totalQty),
  work.map((row) => row.ifVersion),
];

const eventColumns = (events: readonly EventRow[]): unknown[][] => [
  events.map((event) => event.accountId),
  events.map((event) => event.eventId),
  events.map((event) => event.type),
  events.map((event) => event.orderId),
  events.map((event) => event.status),
  events.map((event) => event.version),
  events.map((event) => event.filledQty),
  events.map((event) => event.filledValue),
  events.map((event) => event.fees),
];

const keyColumns = (keys: readonly KeyRow[]): unknown[][] => [
  keys.map((row) => row.accountId),
  keys.map((row) => row.key),
  keys.map((row) => row.requestHash.toString('hex')),
  keys.map((row) => row.orderId),
  keys.map((row) => row.refusal && JSON.stringify(row.refusal)),
];
