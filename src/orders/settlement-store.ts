import type { Tx } from '../db.js';
import * as sql from './settlement-statements.js';
import { rankOf } from './pass-books.js';
import type { PassMarket } from './pass-market.js';
import type { PassRoutes } from './pass-routes.js';
import { settleBalances } from './settlement-balances.js';
import type { ParkedRow, SettlementRecord } from './settlement-record.js';
import { stopRank } from './waiting-work.js';
import {
  isClosed,
  isOpen,
  isUntriggered,
  type WorkingOrder,
  type WorkItem,
} from './working-order.js';

/** Who settles, for the orders' timelines. */
export interface PassNote {
  id: string;
  worker: string;
  attempt: number;
  jobs: readonly string[];
  pickedUpAt: Date;
  matchedAt: Date;
}

/**
 * Writes a settlement. What needs no lock of a client's rows goes first, so that positions and
 * accounts are locked, in the global order, for as short a time as possible: intake waits for them.
 */
export async function writeSettlement(
  tx: Tx,
  work: readonly WorkItem[],
  market: PassMarket,
  pass: PassNote,
): Promise<void> {
  const settlement = market.record;
  const now = new Date();
  const unlocked = [
    writePass(tx, pass, work.length, now),
    ...writeTrades(tx, settlement, now),
    ...writeOrders(tx, settlement, pass.id, now),
    ...writeBook(tx, market),
    ...writeParked(tx, market),
    ...writeNotifications(tx, settlement, now),
    ...writeBandStops(tx, settlement, now),
    ...writeRoutes(tx, market.routes, now),
    tx.run(sql.DELETE_WORK, [work.map(({ shard }) => shard), work.map(({ seq }) => seq)]),
  ]; // a failure of these is noted by the transaction, which ends with it
  await Promise.all([...unlocked, settleBalances(tx, settlement, now)]);
}

function writeTrades(
  tx: Tx,
  { trades, postings }: SettlementRecord,
  now: Date,
): Promise<unknown>[] {
  if (trades.length === 0) return [];
  const isAtVenue = trades.some(({ maker }) => maker === null);
  return [
    tx.run(isAtVenue ? sql.INSERT_VENUE_EXECUTIONS : sql.INSERT_EXECUTIONS, [
      trades.map(({ id }) => id),
      trades.map(({ taker }) => taker.id),
      trades.map(({ maker }) => maker?.id),
      trades.map(({ taker }) => taker.assetId),
      trades.map(({ taker }) => taker.side),
      trades.map(({ price }) => price),
      trades.map(({ qty }) => qty),
      trades.map(({ value }) => value),
      trades.map(({ takerFee }) => takerFee),
      trades.map(({ makerFee }) => makerFee),
      now,
      ...(isAtVenue ? [trades.map(({ venueExecutionId }) => venueExecutionId)] : []),
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

const writePass = (tx: Tx, pass: PassNote, items: number, now: Date): Promise<unknown> =>
  tx.run(sql.INSERT_PASS, [
    pass.id,
    pass.worker,
    pass.attempt,
    pass.jobs,
    items,
    pass.pickedUpAt,
    pass.matchedAt,
    now,
  ]);

function writeOrders(
  tx: Tx,
  { changed, reshaped }: SettlementRecord,
  passId: string,
  now: Date,
): Promise<unknown>[] {
  const orders = [...changed];
  const special = [...reshaped];
  return [
    special.length > 0 &&
      tx.run(sql.RESHAPE_ORDERS, [
        special.map(({ id }) => id),
        special.map(({ qty }) => qty),
        special.map(({ replacedBy }) => replacedBy),
        special.map(({ triggeredAt }) => triggeredAt?.toISOString()),
        special.map(finalMark),
        special.map(({ routeId }) => routeId),
      ]),
    orders.length > 0 &&
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
        passId,
      ]),
  ].filter((sent) => sent !== false);
}

/** While a trailing stop is armed, its mark is with what it waits for. */
const finalMark = (order: WorkingOrder): bigint | null =>
  isOpen(order) && isUntriggered(order) ? null : order.hwm;

/** Deletions first: a replacement may take the very place of what it replaces. */
function writeBook(tx: Tx, market: PassMarket): Promise<unknown>[] {
  const { bookDeleted, bookInserted, bookReduced } = market.record;
  const inserted = [...bookInserted.values()];
  const reduced = [...bookReduced.values()];
  const placed = inserted.map(({ orderId }) => market.order(orderId));
  return [
    bookDeleted.size > 0 && tx.run(sql.DELETE_BOOK_ORDERS, [[...bookDeleted]]),
    inserted.length > 0 &&
      tx.run(sql.INSERT_BOOK_ORDERS, [
        inserted.map(({ orderId }) => orderId),
        placed.map(({ assetId }) => assetId),
        placed.map(({ shard }) => shard),
        inserted.map(({ side }) => side),
        inserted.map(({ side, price }) => rankOf(side, price)),
        inserted.map(({ seq }) => seq),
        inserted.map(({ accountId }) => accountId),
        inserted.map(({ remaining }) => remaining),
      ]),
    reduced.length > 0 &&
      tx.run(sql.UPDATE_BOOK_ORDERS, [
        reduced.map(({ orderId }) => orderId),
        reduced.map(({ remaining }) => remaining),
      ]),
  ].filter((sent) => sent !== false);
}

/** What was written before follows the pass's prices; what is new is where it stands by now. */
function writeParked(tx: Tx, { record, stops }: PassMarket): Promise<unknown>[] {
  const trailed = stops.trailed();
  const inserted = [...record.parkedInserted.values()].map((row): ParkedRow => {
    const stop = row.waitsFor === 'trigger' ? stops.find(row.order) : undefined;
    return stop ? { ...row, rank: stopRank(stop), hwm: stop.hwm } : row;
  });
  return [
    record.parkedDeleted.size > 0 && tx.run(sql.DELETE_PARKED, [[...record.parkedDeleted]]),
    trailed.length > 0 &&
      tx.run(sql.FOLLOW_TRAILS, [
        trailed.map(({ assetId }) => assetId),
        trailed.map(({ direction }) => direction),
        trailed.map(({ extreme }) => extreme),
      ]),
    inserted.length > 0 &&
      tx.run(sql.INSERT_PARKED, [
        inserted.map(({ order }) => order.id),
        inserted.map(({ waitsFor }) => waitsFor),
        inserted.map(({ seq }) => seq),
        inserted.map(({ direction }) => direction),
        inserted.map(({ rank }) => rank),
        inserted.map(({ hwm }) => hwm),
        inserted.map(({ releaseAt }) => releaseAt?.toISOString()),
      ]),
  ].filter((sent) => sent !== false);
}

/** What the external venue is told by the row is told after the commit, and again as long as it is open. */
function writeRoutes(tx: Tx, { opened, changed }: PassRoutes, now: Date): Promise<unknown>[] {
  const rows = [...opened];
  const old = [...changed].filter((route) => !opened.has(route));
  return [
    rows.length > 0 &&
      tx.run(sql.INSERT_ROUTES, [
        rows.map(({ id }) => id),
        rows.map(({ orderId }) => orderId),
        rows.map(({ qty }) => qty),
        rows.map(({ limitPrice }) => limitPrice),
        rows.map(({ referencePrice }) => referencePrice),
        rows.map(({ goodUntil }) => goodUntil.toISOString()),
        rows.map(({ endsAs }) => endsAs),
        rows.map(({ endsReason }) => endsReason),
        now,
      ]),
    old.length > 0 &&
      tx.run(sql.UPDATE_ROUTES, [
        old.map(({ id }) => id),
        old.map(({ status }) => status),
        old.map(({ reason }) => reason),
        old.map(({ filledQty }) => filledQty),
        old.map(({ appliedSequence }) => appliedSequence),
        old.map(({ endsAs }) => endsAs),
        old.map(({ endsReason }) => endsReason),
        old.map(({ disputed }) => disputed),
        now,
      ]),
  ].filter((sent) => sent !== false);
}

/** One row an order, whatever the number of its executions. */
function writeNotifications(
  tx: Tx,
  { notifications }: SettlementRecord,
  now: Date,
): Promise<unknown>[] {
  const told = [...notifications.values()];
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

/** Rare: for whoever watches how hard the market presses against a price band. */
function writeBandStops(tx: Tx, { bandStops }: SettlementRecord, now: Date): Promise<unknown>[] {
  if (bandStops.size === 0) return [];
  const stops = [...bandStops.values()];
  return [
    tx.run(sql.INSERT_BAND_STOPS, [
      stops.map(({ assetId }) => assetId),
      stops.map(({ edge }) => edge),
      now,
    ]),
  ];
}
