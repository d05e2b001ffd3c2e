import type { Tx } from '../db.js';
import * as sql from './execute-statements.js';
import { isClosed, type Movement, type Settlement, type WorkItem } from './settlement.js';

interface PositionRow {
  accountId: string;
  assetId: string;
  qty: bigint;
  held: bigint;
  costBasis: bigint;
}
interface AccountRow {
  id: string;
  kind: string;
  lastEventId: bigint;
}

/**
 * Writes a settlement. What needs no lock of a client's rows goes first, so that positions and
 * accounts are locked, in the global order, for as short a time as possible: intake waits for them.
 */
export async function writeSettlement(
  tx: Tx,
  work: readonly WorkItem[],
  settlement: Settlement,
): Promise<void> {
  const now = new Date();
  const unlocked = [
    ...writeTrades(tx, settlement, now),
    ...writeOrdersAndBook(tx, settlement, now),
    tx.run(sql.DELETE_WORK, [work.map(({ shard }) => shard), work.map(({ seq }) => seq)]),
  ]; // a failure of these is noted by the transaction, which ends with it
  const [positions, accounts] = await lockBalances(tx, settlement);
  const eventIds = numberEvents(settlement, accounts);
  await Promise.all([
    ...unlocked,
    ...writeBalances(tx, settlement, positions, accounts, now),
    ...writeEvents(tx, settlement, eventIds, now),
    ...writeNotifications(tx, settlement, accounts, now),
  ]);
}

function writeTrades(tx: Tx, { trades, postings }: Settlement, now: Date): Promise<unknown>[] {
  if (trades.length === 0) return [];
  return [
    tx.run(sql.INSERT_EXECUTIONS, [
      trades.map(({ id }) => id),
      trades.map(({ taker }) => taker.id),
      trades.map(({ maker }) => maker.id),
      trades.map(({ taker }) => taker.assetId),
      trades.map(({ taker }) => taker.side),
      trades.map(({ price }) => price),
      trades.map(({ qty }) => qty),
      trades.map(({ value }) => value),
      trades.map(({ takerFee }) => takerFee),
      trades.map(({ makerFee }) => makerFee),
      now,
    ]),
    tx.run(sql.INSERT_TRADE_JOURNALS, [trades.map(({ id }) => id), now]),
    tx.run(sql.INSERT_POSTINGS, [
      postings.map(({ journalId }) => journalId),
      postings.map(({ line }) => line),
      postings.map(({ accountId }) => accountId),
      postings.map(({ assetId }) => assetId),
      postings.map(({ amount }) => amount),
    ]),
  ];
}

function writeOrdersAndBook(tx: Tx, settlement: Settlement, now: Date): Promise<unknown>[] {
  const orders = [...settlement.changed];
  const inserted = [...settlement.bookInserted.values()];
  const reduced = [...settlement.bookReduced.values()];
  const placed = inserted.map(({ orderId }) => settlement.order(orderId));
  return [
    tx.run(sql.UPDATE_ORDERS, [
      orders.map(({ id }) => id),
      orders.map(({ status }) => status),
      orders.map(({ filledQty }) => filledQty),
      orders.map(({ filledValue }) => filledValue),
      orders.map(({ fees }) => fees),
      orders.map(({ hold }) => hold),
      orders.map(({ reason }) => reason),
      orders.map(({ version }) => version),
      orders.map(({ status }) => isClosed(status)),
      now,
    ]),
    inserted.length > 0 &&
      tx.run(sql.INSERT_BOOK_ORDERS, [
        inserted.map(({ orderId }) => orderId),
        placed.map(({ assetId }) => assetId),
        placed.map(({ shard }) => shard),
        inserted.map(({ side }) => side),
        inserted.map(({ side, price }) => (side === 'sell' ? price : -price)),
        inserted.map(({ seq }) => seq),
        inserted.map(({ accountId }) => accountId),
        inserted.map(({ remaining }) => remaining),
      ]),
    reduced.length > 0 &&
      tx.run(sql.UPDATE_BOOK_ORDERS, [
        reduced.map(({ orderId }) => orderId),
        reduced.map(({ remaining }) => remaining),
      ]),
    settlement.bookDeleted.size > 0 &&
      tx.run(sql.DELETE_BOOK_ORDERS, [[...settlement.bookDeleted]]),
  ].filter((sent) => sent !== false);
}

async function lockBalances(
  tx: Tx,
  settlement: Settlement,
): Promise<[Map<string, PositionRow>, Map<string, AccountRow>]> {
  const changes = [...settlement.positions.values()];
  const lock = (wanted: { accountId: string; assetId: string }[]) =>
    tx.run<PositionRow>(sql.LOCK_POSITIONS, [
      wanted.map(({ accountId }) => accountId),
      wanted.map(({ assetId }) => assetId),
    ]);
  const positions = new Map<string, PositionRow>();
  const remember = (rows: PositionRow[]) => {
    for (const row of rows) positions.set(row.accountId + row.assetId, row);
  };
  if (changes.length > 0) remember(await lock(changes));
  const missing = changes.filter(({ accountId, assetId }) => !positions.has(accountId + assetId));
  if (missing.length > 0) {
    const opened = tx.run(sql.OPEN_POSITIONS, [
      missing.map(({ accountId }) => accountId),
      missing.map(({ assetId }) => assetId),
    ]);
    const [, rows] = await Promise.all([opened, lock(missing)]);
    remember(rows);
  }
  const rows = await tx.run<AccountRow>(sql.LOCK_ACCOUNTS, [[...settlement.accounts.keys()]]);
  return [positions, new Map(rows.map((row) => [row.id, row]))];
}

function writeBalances(
  tx: Tx,
  settlement: Settlement,
  positions: Map<string, PositionRow>,
  accounts: Map<string, AccountRow>,
  now: Date,
): Promise<unknown>[] {
  const changes = [...settlement.positions.values()];
  const rows = changes.map((change) => {
    const row = positions.get(change.accountId + change.assetId)!;
    for (const movement of change.movements) move(row, movement);
    return row;
  });
  const ids = [...accounts.keys()];
  const prices = [...settlement.lastPrices];
  return [
    changes.length > 0 &&
      tx.run(sql.UPDATE_POSITIONS, [
        changes.map(({ accountId }) => accountId),
        changes.map(({ assetId }) => assetId),
        rows.map(({ qty }) => qty),
        changes.map(({ held }) => held),
        rows.map(({ costBasis }) => costBasis),
      ]),
    tx.run(sql.UPDATE_ACCOUNTS, [
      ids,
      ids.map((id) => settlement.accounts.get(id)!.cash),
      ids.map((id) => settlement.accounts.get(id)!.held),
      ids.map((id) => accounts.get(id)!.lastEventId),
    ]),
    prices.length > 0 &&
      tx.run(sql.UPDATE_LAST_PRICES, [
        prices.map(([assetId]) => assetId),
        prices.map(([, price]) => price),
        now,
      ]),
  ].filter((sent) => sent !== false);
}

/** Applies a purchase or sale; a sale takes its share of the cost basis (average cost, rounded down). */
function move(row: PositionRow, movement: Movement): void {
  if (movement.qty > 0n) row.costBasis += movement.cost;
  else row.costBasis += (row.costBasis * movement.qty) / row.qty;
  row.qty += movement.qty;
  movement.positionQty = row.qty;
}

/** Gives each event its account's next number; the account's row, under lock, has the last one. */
function numberEvents({ events }: Settlement, accounts: Map<string, AccountRow>): bigint[] {
  return events.map(({ accountId }) => (accounts.get(accountId)!.lastEventId += 1n));
}

function writeEvents(
  tx: Tx,
  { events }: Settlement,
  eventIds: readonly bigint[],
  now: Date,
): Promise<unknown>[] {
  return [
    tx.run(sql.INSERT_EVENTS, [
      events.map(({ accountId }) => accountId),
      eventIds,
      events.map(({ type }) => type),
      events.map(({ orderId }) => orderId),
      events.map(({ status }) => status),
      events.map(({ version }) => version),
      events.map(({ filledQty }) => filledQty),
      events.map(({ filledValue }) => filledValue),
      events.map(({ fees }) => fees),
      events.map(({ fill }) => fill?.executionId ?? null),
      events.map(({ fill }) => fill?.price ?? null),
      events.map(({ fill }) => fill?.qty ?? null),
      events.map(({ fill }) => fill?.fee ?? null),
      events.map(({ fill }) => fill?.movement.positionQty ?? null),
      events.map(({ reason }) => reason),
      now,
    ]),
  ];
}

/** One row an order, whatever the number of its executions; the house is not told. */
function writeNotifications(
  tx: Tx,
  { notifications }: Settlement,
  accounts: Map<string, AccountRow>,
  now: Date,
): Promise<unknown>[] {
  const told = [...notifications.values()].filter(
    ({ order }) => accounts.get(order.accountId)?.kind === 'client',
  );
  if (told.length === 0) return [];
  return [
    tx.run(sql.INSERT_NOTIFICATIONS, [
      told.map(({ order }) => order.accountId),
      told.map(({ order }) => order.id),
      told.map(({ order }) => order.status),
      told.map(({ executions }) => executions),
      told.map(({ qty }) => qty),
      told.map(({ value }) => value),
      told.map(({ fees }) => fees),
      now,
    ]),
  ];
}
