import type { Tx } from '../db.js';
import { costChange } from '../domain/cost-basis.js';
import * as sql from './settlement-statements.js';
import type { Movement, SettlementRecord } from './settlement-record.js';

interface PositionRow {
  accountId: string;
  assetId: string;
  qty: bigint;
  held: bigint;
  costBasis: bigint;
}
interface AccountRow {
  id: string;
  lastEventId: bigint;
}

/**
 * Locks the positions and accounts that a settlement changes, in the global order, and writes money,
 * shares and events.
 */
export async function settleBalances(
  tx: Tx,
  settlement: SettlementRecord,
  now: Date,
): Promise<void> {
  if (settlement.accounts.size === 0) return; // nothing happened to anybody
  const [positions, accounts] = await lockBalances(tx, settlement);
  const eventIds = numberEvents(settlement, accounts);
  await Promise.all([
    ...writeBalances(tx, settlement, positions, accounts, now),
    ...writeEvents(tx, settlement, eventIds, now),
  ]);
}

async function lockBalances(
  tx: Tx,
  settlement: SettlementRecord,
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
  settlement: SettlementRecord,
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

/** Applies a purchase or sale. */
function move(row: PositionRow, movement: Movement): void {
  row.costBasis += costChange(row, movement);
  row.qty += movement.qty;
  movement.positionQty = row.qty;
}

/** Gives each event its account's next number; the account's row, under lock, has the last one. */
function numberEvents({ events }: SettlementRecord, accounts: Map<string, AccountRow>): bigint[] {
  return events.map(({ accountId }) => (accounts.get(accountId)!.lastEventId += 1n));
}

function writeEvents(
  tx: Tx,
  { events }: SettlementRecord,
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
