import type { Tx } from '../db.js';
import type { CashBalance, QtyBalance } from '../domain/risk.js';
import type { ErrorKind } from '../errors.js';
import type { LimitBook } from '../risk/limits.js';
import { BLOCKS } from './execute-statements.js';
import type { Command, PlaceCommand, ReplaceCommand } from './intake-batch.js';
import * as sql from './intake-statements.js';
import { rankOf } from './pass-books.js';
import { TradingBlocks, type BlockRow } from './trading-blocks.js';

export interface AccountRow extends CashBalance {
  lastEventId: bigint;
  suspendTrade: boolean;
  fractionalTrading: boolean;
}
/** An order that is to be cancelled or replaced, as it stands. */
export interface TargetRow {
  id: string;
  accountId: string;
  shard: number;
  status: string;
  version: number;
  qty: bigint;
  filledQty: bigint;
  filledValue: bigint;
  fees: bigint;
  hold: bigint;
  cancelPending: boolean;
  replacePending: boolean;
  /** True while its rest is at the external venue. */
  isAtVenue: boolean;
  /** True while it is a replacement that is not decided: it may yet be rejected. */
  isToReplace: boolean;
}
/** What an order is compared with when an account must not repeat itself. */
export interface RecentOrder {
  accountId: string;
  assetId: string;
  side: string;
  type: string;
  qty: bigint;
  notional: bigint | null;
  limitPrice: bigint | null;
  stopPrice: bigint | null;
  createdAt: Date;
}
/** An order of the same account that an order would come to trade with. */
export interface OwnOrder {
  orderId: string;
  price: bigint;
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
  kind: 'place' | 'cancel' | 'replace';
  orderId: string;
  accountId: string;
  newOrderId: string | null;
  totalQty: bigint | null;
  ifVersion: number | null;
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
  targets: Map<string, TargetRow>;
  /** The best resting price by `asset id + side of the book`, in 10^-4 USD. */
  bestPrices: Map<string, bigint>;
  /** By the id of the order that would trade with them. */
  ownOrders: Map<string, OwnOrder>;
  /** Of the accounts whose limits look back. */
  recentOrders: RecentOrder[];
  blocks: TradingBlocks;
}

export const scoped = (accountId: string, text: string): string => `${accountId} ${text}`;

/** A command that brings a new order to the book. */
type OrderCommand = PlaceCommand | ReplaceCommand;

const accountOf = (command: Command): string =>
  command.kind === 'place' ? command.request.accountId : command.accountId;

const sideOf = (command: OrderCommand): 'buy' | 'sell' => termsOf(command).side;

/** Takes the locks in the global order and reads everything: one round trip. */
export async function loadState(
  tx: Tx,
  commands: readonly Command[],
  limits: Pick<LimitBook, 'for'>,
): Promise<IntakeState> {
  const places = commands.filter((command) => command.kind === 'place');
  const orders = commands.filter((command) => command.kind !== 'cancel');
  const targets = commands.filter((command) => command.kind !== 'place');
  const [positions, accounts, blocks, clientOrderIds, keys, bestPrices, found, own, recent] =
    await Promise.all([
      lockPositions(tx, orders),
      tx.run<AccountRow>(sql.LOCK_ACCOUNTS, [[...new Set(commands.map(accountOf))]]),
      tx.run<BlockRow>(BLOCKS, []),
      findClientOrderIds(tx, orders),
      findKeys(tx, places),
      findBestPrices(tx, places),
      findTargets(tx, targets),
      findOwnOrders(tx, orders),
      findRecentOrders(tx, orders, limits),
    ]);
  return {
    accounts: new Map(accounts.map((row) => [row.id, row])),
    positions,
    clientOrderIds: new Set(clientOrderIds),
    keys: new Map(keys.map((row) => [scoped(row.accountId, row.key), row])),
    targets: new Map(found.map((row) => [row.id, row])),
    bestPrices,
    ownOrders: own,
    recentOrders: recent,
    blocks: new TradingBlocks(blocks),
  };
}

async function lockPositions(tx: Tx, orders: readonly OrderCommand[]): Promise<QtyBalance[]> {
  const wanted = new Map<string, { accountId: string; assetId: string }>();
  for (const command of orders) {
    if (sideOf(command) !== 'sell') continue;
    const [accountId, assetId] = [accountOf(command), command.asset.id];
    wanted.set(scoped(accountId, assetId), { accountId, assetId });
  }
  if (wanted.size === 0) return [];
  const rows = [...wanted.values()];
  return tx.run<QtyBalance>(sql.LOCK_POSITIONS, [
    rows.map(({ accountId }) => accountId),
    rows.map(({ assetId }) => assetId),
  ]);
}

async function findClientOrderIds(tx: Tx, orders: readonly OrderCommand[]): Promise<string[]> {
  const chosen = orders.flatMap((command) => {
    const id = chosenId(command);
    return id === null ? [] : [{ accountId: accountOf(command), id }];
  });
  if (chosen.length === 0) return [];
  const rows = await tx.run<{ accountId: string; clientOrderId: string }>(
    sql.FIND_CLIENT_ORDER_IDS,
    [chosen.map(({ accountId }) => accountId), chosen.map(({ id }) => id)],
  );
  return rows.map((row) => scoped(row.accountId, row.clientOrderId));
}

/** What the client chose; null when it is ours and thus new. */
function chosenId(command: OrderCommand): string | null {
  if (command.kind === 'place') return command.request.clientOrderId;
  const { id, clientOrderId } = command.successor.order;
  return clientOrderId === id ? null : clientOrderId;
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

async function findTargets(tx: Tx, commands: readonly { orderId: string }[]): Promise<TargetRow[]> {
  if (commands.length === 0) return [];
  const ids = [...new Set(commands.map(({ orderId }) => orderId))];
  return tx.run<TargetRow>(sql.FIND_TARGETS, [ids]);
}

/** What each order would meet of its own account in the book. */
async function findOwnOrders(
  tx: Tx,
  orders: readonly OrderCommand[],
): Promise<Map<string, OwnOrder>> {
  const wanted = orders.flatMap((command) => {
    const terms = termsOf(command);
    if (terms.type !== 'market' && terms.type !== 'limit') return [];
    const side = terms.side === 'buy' ? 'sell' : 'buy';
    const worst = terms.limitPrice === null ? NO_WORST : rankOf(side, terms.limitPrice);
    return [{ key: commandKey(command), assetId: command.asset.id, command, side, worst, terms }];
  });
  if (wanted.length === 0) return new Map();
  const rows = await tx.run<{ key: string; orderId: string; rank: bigint; side: string }>(
    sql.FIND_OWN_ORDERS,
    [
      wanted.map(({ command }) => accountOf(command)),
      wanted.map(({ assetId }) => assetId),
      wanted.map(({ side }) => side),
      wanted.map(({ worst }) => worst),
      wanted.map(({ command, terms }) => wholeQty(command) ?? terms.qty ?? NO_WORST),
      wanted.map(({ key }) => key),
    ],
  );
  return new Map(
    rows.map(({ key, orderId, rank, side }) => [
      key,
      { orderId, price: side === 'sell' ? rank : -rank },
    ]),
  );
}

/** Beyond every rank and quantity. */
const NO_WORST = 2n ** 62n;

const termsOf = (command: OrderCommand) =>
  command.kind === 'place' ? command.request : command.successor.order;

/** A replacement may be for more than what it replaces. */
const wholeQty = (command: OrderCommand): bigint | null =>
  command.kind === 'replace' ? command.successor.totalQty : null;

/** The id of the order that the command brings. */
const commandKey = (command: OrderCommand): string =>
  command.kind === 'place' ? command.id : command.successor.order.id;

/** What "orders in a second" looks back on. */
export const RATE_WINDOW_MS = 1_000;

async function findRecentOrders(
  tx: Tx,
  orders: readonly OrderCommand[],
  limits: Pick<LimitBook, 'for'>,
): Promise<RecentOrder[]> {
  const accounts = new Set<string>();
  let windowMs = 0;
  for (const command of orders) {
    const accountId = accountOf(command);
    const { duplicateWindowMs, maxOrdersPerSecond } = limits.for(accountId, command.asset.id);
    if (duplicateWindowMs === 0 && maxOrdersPerSecond === 0) continue;
    accounts.add(accountId);
    windowMs = Math.max(windowMs, duplicateWindowMs, RATE_WINDOW_MS);
  }
  if (accounts.size === 0) return [];
  const since = new Date(Date.now() - windowMs);
  return tx.run<RecentOrder>(sql.FIND_RECENT_ORDERS, [[...accounts], since]);
}
