import type { Knex } from 'knex';
import type { Activity, WatchedFill, WatchedOrder } from '../domain/layering.js';
import type { FlatTrade } from '../domain/round-trips.js';
import { groupBy, type Thresholds, type Window } from '../domain/surveillance.js';
import type { AccountLink } from '../domain/wash-trades.js';
import { firstIdAt, timeOfId } from '../ids.js';
import { MAKER_ACCOUNT } from '../ledger/house.js';
import { SHARED_MAX } from './linked-accounts.js';
import * as sql from './window-statements.js';

/** What a window looks back on, so that a pattern is whole in the window in which it ends. */
export const CONTEXT_MS = 5 * 60_000;

/** The most that is read, whatever there was: newest first. */
const LIMITS = {
  rowsMax: 200_000,
  pairsMax: 200,
  tradesMax: 5_000,
  accountsMax: 100,
  ordersMax: 2_000,
};

/** What the detectors look at. */
export interface WindowView {
  readonly links: readonly AccountLink[];
  readonly linkedTrades: readonly FlatTrade[];
  readonly flatTrades: readonly FlatTrade[];
  readonly activities: readonly Activity[];
}

export interface TradeRow {
  id: string;
  assetId: string;
  price: bigint;
  qty: bigint;
  value: bigint;
  executedAt: Date;
  buyer: string;
  seller: string;
  buyOrderId: string;
  sellOrderId: string;
  buyOrderQty: bigint;
  sellOrderQty: bigint;
  buyOrderAt: Date;
  sellOrderAt: Date;
}

interface TellingRow extends TradeRow {
  isLinked: boolean;
  buyerTrades: bigint;
  sellerTrades: bigint;
}

/** A window's id ranges and limits, as the statements name them. */
export function bindingsOf(window: Window) {
  const context = new Date(window.from.getTime() - CONTEXT_MS);
  return {
    from: window.from,
    to: window.to,
    context,
    fromId: firstIdAt(window.from),
    toId: firstIdAt(window.to),
    contextId: firstIdAt(context),
    maker: MAKER_ACCOUNT,
    sharedMax: SHARED_MAX,
    ...LIMITS,
  };
}

export const queryRows = async <Row>(
  knex: Knex,
  statement: string,
  bindings: Readonly<Record<string, unknown>>,
): Promise<Row[]> =>
  (await knex.raw<{ rows: Row[] }>(statement, bindings as Record<string, Knex.Value>)).rows;

/** Reads what happened in a closed window, and before it as far as it matters. */
export async function readWindow(
  knex: Knex,
  window: Window,
  thresholds: Thresholds,
): Promise<WindowView> {
  const bindings = bindingsOf(window);
  const [trades, activities] = await Promise.all([
    readTrades(knex, bindings),
    readActivities(knex, bindings, thresholds),
  ]);
  return { ...trades, activities };
}

type Bindings = ReturnType<typeof bindingsOf>;

async function readTrades(
  knex: Knex,
  bindings: Bindings,
): Promise<Pick<WindowView, 'links' | 'linkedTrades' | 'flatTrades'>> {
  const pairs = await queryRows<{ one: string; other: string; shared: string[] }>(
    knex,
    sql.LINKED_PAIRS,
    bindings,
  );
  const telling = await queryRows<TellingRow>(knex, sql.TELLING_TRADES, {
    ...bindings,
    ones: pairs.map(({ one }) => one),
    others: pairs.map(({ other }) => other),
  });
  const trades = telling.reverse();
  return {
    links: pairs.map(({ one, other, shared }) => ({ accountIds: [one, other], shared })),
    linkedTrades: trades.filter(({ isLinked }) => isLinked).map(tradeOf),
    flatTrades: trades.filter((row) => row.buyerTrades > 0n && row.sellerTrades > 0n).map(tradeOf),
  };
}

type Busy = Pick<Activity, 'accountId' | 'assetId'>;

async function readActivities(
  knex: Knex,
  bindings: Bindings,
  { layers, burstMessages }: Thresholds,
): Promise<Activity[]> {
  const busy = await queryRows<Busy>(knex, sql.BUSY_ACCOUNTS, {
    ...bindings,
    layers,
    burstMessages,
  });
  if (busy.length === 0) return [];
  const named = {
    ...bindings,
    accounts: busy.map(({ accountId }) => accountId),
    assets: busy.map(({ assetId }) => assetId),
  };
  const orders = await queryRows<WatchedOrder & Busy>(knex, sql.ORDERS_OF_ACCOUNTS, named);
  const fills = await queryRows<WatchedFill & Busy>(knex, sql.FILLS_OF_ACCOUNTS, named);
  const keyOf = ({ accountId, assetId }: Busy): string => accountId + assetId;
  const ordersBy = groupBy(orders, keyOf);
  const fillsBy = groupBy(fills, keyOf);
  return busy.map((one) => ({
    ...one,
    orders: ordersBy.get(keyOf(one)) ?? [],
    fills: fillsBy.get(keyOf(one)) ?? [],
  }));
}

export function tradeOf(row: TradeRow & Partial<TellingRow>): FlatTrade {
  const { id, assetId, price, qty, value, executedAt, buyer, seller } = row;
  return {
    ...{ id, assetId, price, qty, value, executedAt, buyer, seller },
    recordedAt: timeOfId(id),
    buyOrder: { id: row.buyOrderId, qty: row.buyOrderQty, createdAt: row.buyOrderAt },
    sellOrder: { id: row.sellOrderId, qty: row.sellOrderQty, createdAt: row.sellOrderAt },
    buyerTrades: Number(row.buyerTrades ?? 0n),
    sellerTrades: Number(row.sellerTrades ?? 0n),
  };
}
