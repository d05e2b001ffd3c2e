import type { Knex } from 'knex';
import { Model, snakeCaseMappers } from 'objection';

export type OrderSide = 'buy' | 'sell';
export type OrderType = 'market' | 'limit';
export type TimeInForce = 'day' | 'gtc' | 'ioc' | 'fok';
export type OrderStatus =
  'accepted' | 'new' | 'partially_filled' | 'filled' | 'canceled' | 'expired' | 'rejected';

/** What never changes once an order is accepted. */
export interface OrderTerms {
  id: string;
  accountId: string;
  assetId: string;
  shard: number;
  clientOrderId: string;
  side: OrderSide;
  type: OrderType;
  timeInForce: TimeInForce;
  /** In 10^-9 units. */
  qty: bigint;
  /** In 10^-4 USD; null for a market order. */
  limitPrice: bigint | null;
  /** The worst price it may trade at: the limit, or a market order's collar. In 10^-4 USD. */
  boundPrice: bigint;
  feeBps: number;
  extendedHours: boolean;
  createdAt: Date;
}

/** What settlement changes. */
export interface OrderProgress {
  status: OrderStatus;
  filledQty: bigint;
  /** The sum of its trades' values, in 10^-4 USD. */
  filledValue: bigint;
  fees: bigint;
  /** What it still holds: cash (10^-4 USD) when buying, quantity (10^-9) when selling. */
  hold: bigint;
  reason: string | null;
  version: number;
  updatedAt: Date;
  closedAt: Date | null;
}

/** An order with what a reader needs of its asset, and whether its cancellation is under way. */
export interface OrderView extends OrderTerms, OrderProgress {
  symbol: string;
  assetClass: 'us_equity' | 'crypto';
  cancelPending: boolean;
}

export class Order extends Model implements OrderTerms, OrderProgress {
  static override tableName = 'orders';
  static override columnNameMappers = snakeCaseMappers();

  declare id: string;
  declare accountId: string;
  declare assetId: string;
  declare shard: number;
  declare clientOrderId: string;
  declare side: OrderSide;
  declare type: OrderType;
  declare timeInForce: TimeInForce;
  declare qty: bigint;
  declare limitPrice: bigint | null;
  declare boundPrice: bigint;
  declare feeBps: number;
  declare extendedHours: boolean;
  declare createdAt: Date;
  declare status: OrderStatus;
  declare filledQty: bigint;
  declare filledValue: bigint;
  declare fees: bigint;
  declare hold: bigint;
  declare reason: string | null;
  declare version: number;
  declare updatedAt: Date;
  declare closedAt: Date | null;
}

const CANCEL_PENDING = `exists (select 1 from work_items w
  where w.order_id = orders.id and w.kind = 'cancel') as cancel_pending`;

const views = (knex: Knex) =>
  Order.query(knex)
    .select('orders.*', 'assets.symbol', 'assets.class as asset_class', knex.raw(CANCEL_PENDING))
    .join('assets', 'assets.id', 'orders.asset_id');

/** One of the account's orders, by its id; undefined when missing or another account's. */
export const findOrder = async (
  knex: Knex,
  accountId: string,
  id: string,
): Promise<OrderView | undefined> =>
  (await views(knex).findOne({ 'orders.id': id, account_id: accountId })) as OrderView | undefined;

/** One of the account's orders, by the id its client gave it. */
export const findOrderByClientId = async (
  knex: Knex,
  accountId: string,
  clientOrderId: string,
): Promise<OrderView | undefined> =>
  (await views(knex).findOne({
    account_id: accountId,
    client_order_id: clientOrderId,
  })) as OrderView | undefined;

export interface OrderFilter {
  status: 'open' | 'closed' | 'all';
  limit: number;
  direction: 'asc' | 'desc';
  after?: Date | undefined;
  until?: Date | undefined;
  symbols?: readonly string[] | undefined;
  side?: OrderSide | undefined;
  /** An order's id: only those submitted after it (or before, when it is not the lower end). */
  cursor?: string | undefined;
  cursorIsLower?: boolean;
}

/**
 * The account's orders by time of submission.
 * Open orders are found through the work list and the book, which hold nothing else: the cost does
 * not grow with an account's history.
 */
export async function listOrders(
  knex: Knex,
  accountId: string,
  filter: OrderFilter,
): Promise<OrderView[]> {
  const query = views(knex)
    .where('orders.account_id', accountId)
    .orderBy([
      { column: 'orders.created_at', order: filter.direction },
      { column: 'orders.id', order: filter.direction },
    ])
    .limit(filter.limit);
  if (filter.status === 'open') {
    void query
      .whereNull('orders.closed_at')
      .whereRaw('orders.id in ?', openOrderIds(knex, accountId));
  }
  if (filter.status === 'closed') void query.whereNotNull('orders.closed_at');
  if (filter.after) void query.where('orders.created_at', '>', filter.after);
  if (filter.until) void query.where('orders.created_at', '<', filter.until);
  if (filter.symbols) void query.whereIn('assets.symbol', [...filter.symbols]);
  if (filter.side) void query.where('orders.side', filter.side);
  if (filter.cursor !== undefined) {
    void query.whereRaw(
      `(orders.created_at, orders.id) ${filter.cursorIsLower ? '>' : '<'}
        (select c.created_at, c.id from orders c where c.id = ? and c.account_id = ?)`,
      [filter.cursor, accountId],
    );
  }
  return (await query) as unknown as OrderView[];
}

/** The ids of the account's orders that are not final, as a subquery. */
export const openOrderIds = (knex: Knex, accountId: string): Knex.QueryBuilder =>
  knex('work_items')
    .select('order_id')
    .where({ account_id: accountId, kind: 'place' })
    .unionAll(knex('book_orders').select('order_id').where({ account_id: accountId }));
