import type { Tx } from '../db.js';
import type { CashBalance, Funds, QtyBalance } from '../domain/risk.js';
import type { ErrorKind } from '../errors.js';
import type { CancelCommand, Command, PlaceCommand } from './intake-batch.js';
import * as sql from './intake-statements.js';
import type { OrderView } from './model.js';

export interface AccountRow extends CashBalance {
  lastEventId: bigint;
}
export interface CancelableRow {
  id: string;
  accountId: string;
  shard: number;
  status: string;
  version: number;
  filledQty: bigint;
  filledValue: bigint;
  fees: bigint;
  cancelPending: boolean;
}
/** An Idempotency-Key with its first answer: an order, or why there is none. */
export interface KeyRow {
  accountId: string;
  key: string;
  requestHash: Buffer;
  orderId: string | null;
  refusal: {
    kind: ErrorKind;
    code: number;
    message: string;
    details: Readonly<Record<string, unknown>>;
  } | null;
}
export interface WorkRow {
  shard: number;
  kind: 'place' | 'cancel';
  orderId: string;
  accountId: string;
}
export interface EventRow {
  accountId: string;
  eventId: bigint;
  type: string;
  orderId: string;
  status: string;
  version: number;
  filledQty: bigint;
  filledValue: bigint;
  fees: bigint;
}

/** What the decisions of a batch need, read under its locks. */
export interface IntakeState {
  accounts: Map<string, AccountRow>;
  positions: QtyBalance[];
  /** `scoped(account, id)` of client order ids that exist already. */
  clientOrderIds: Set<string>;
  /** By `scoped(account, key)`. */
  keys: Map<string, KeyRow>;
  cancelable: Map<string, CancelableRow>;
  /** The best resting price by `asset id + side of the book`, in 10^-4 USD. */
  bestPrices: Map<string, bigint>;
}

export const scoped = (accountId: string, text: string): string => `${accountId} ${text}`;

/** Takes the locks in the global order and reads everything: one round trip. */
export async function loadState(tx: Tx, commands: readonly Command[]): Promise<IntakeState> {
  const places = commands.filter((command) => command.kind === 'place');
  const cancels = commands.filter((command) => command.kind === 'cancel');
  const accountIds = new Set(
    commands.map((one) => (one.kind === 'place' ? one.request.accountId : one.accountId)),
  );
  const [positions, accounts, clientOrderIds, keys, bestPrices, cancelable] = await Promise.all([
    lockPositions(tx, places),
    tx.run<AccountRow>(sql.LOCK_ACCOUNTS, [[...accountIds]]),
    findClientOrderIds(tx, places),
    findKeys(tx, places),
    findBestPrices(tx, places),
    findCancelable(tx, cancels),
  ]);
  return {
    accounts: new Map(accounts.map((row) => [row.id, row])),
    positions,
    clientOrderIds: new Set(clientOrderIds),
    keys: new Map(keys.map((row) => [scoped(row.accountId, row.key), row])),
    cancelable: new Map(cancelable.map((row) => [row.id, row])),
    bestPrices,
  };
}

async function lockPositions(tx: Tx, places: PlaceCommand[]): Promise<QtyBalance[]> {
  const wanted = new Map<string, { accountId: string; assetId: string }>();
  for (const { request, asset } of places) {
    if (request.side !== 'sell') continue;
    const { accountId } = request;
    wanted.set(scoped(accountId, asset.id), { accountId, assetId: asset.id });
  }
  if (wanted.size === 0) return [];
  const rows = [...wanted.values()];
  return tx.run<QtyBalance>(sql.LOCK_POSITIONS, [
    rows.map(({ accountId }) => accountId),
    rows.map(({ assetId }) => assetId),
  ]);
}

async function findClientOrderIds(tx: Tx, places: PlaceCommand[]): Promise<string[]> {
  const chosen = places.filter(({ request }) => request.clientOrderId !== null);
  if (chosen.length === 0) return [];
  const rows = await tx.run<{ accountId: string; clientOrderId: string }>(
    sql.FIND_CLIENT_ORDER_IDS,
    [chosen.map(({ request }) => request.accountId), chosen.map((one) => one.clientOrderId)],
  );
  return rows.map((row) => scoped(row.accountId, row.clientOrderId));
}

async function findKeys(tx: Tx, places: PlaceCommand[]): Promise<KeyRow[]> {
  const keyed = places.filter(({ request }) => request.idempotency !== null);
  if (keyed.length === 0) return [];
  return tx.run<KeyRow>(sql.FIND_IDEMPOTENCY_KEYS, [
    keyed.map(({ request }) => request.accountId),
    keyed.map(({ request }) => request.idempotency!.key),
  ]);
}

async function findBestPrices(tx: Tx, places: PlaceCommand[]): Promise<Map<string, bigint>> {
  const books = new Map<string, { assetId: string; side: string }>();
  for (const { request, asset } of places) {
    if (request.type !== 'market') continue;
    const side = request.side === 'buy' ? 'sell' : 'buy';
    books.set(asset.id + side, { assetId: asset.id, side });
  }
  if (books.size === 0) return new Map();
  const wanted = [...books.values()];
  const rows = await tx.run<{ assetId: string; side: string; rank: bigint }>(sql.BEST_PRICES, [
    wanted.map(({ assetId }) => assetId),
    wanted.map(({ side }) => side),
  ]);
  return new Map(
    rows.map(({ assetId, side, rank }) => [assetId + side, side === 'sell' ? rank : -rank]),
  );
}

async function findCancelable(tx: Tx, cancels: CancelCommand[]): Promise<CancelableRow[]> {
  if (cancels.length === 0) return [];
  const ids = [...new Set(cancels.map(({ orderId }) => orderId))];
  return tx.run<CancelableRow>(sql.FIND_CANCELABLE, [ids]);
}

/** What a batch decided. */
export interface IntakeChanges {
  now: Date;
  orders: OrderView[];
  work: WorkRow[];
  events: EventRow[];
  keys: KeyRow[];
}

/** Writes what was decided: one round trip, one statement a table. */
export async function writeChanges(
  tx: Tx,
  { now, orders, work, events, keys }: IntakeChanges,
  { accounts }: IntakeState,
  funds: Funds,
): Promise<void> {
  const touched = [...new Set(events.map(({ accountId }) => accountId))];
  const drawn = funds.qtyReserved();
  await Promise.all([
    orders.length > 0 && tx.run(sql.INSERT_ORDERS, [...orderColumns(orders), now]),
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

const workColumns = (work: readonly WorkRow[]): unknown[][] => [
  work.map((row) => row.shard),
  work.map((row) => row.kind),
  work.map((row) => row.orderId),
  work.map((row) => row.accountId),
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
