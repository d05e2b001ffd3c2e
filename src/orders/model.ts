import type { Knex } from 'knex';
import { Model, snakeCaseMappers } from 'objection';

export type OrderSide = 'buy' | 'sell';
export type OrderType = 'market' | 'limit' | 'stop' | 'stop_limit' | 'trailing_stop';
export type TimeInForce = 'day' | 'gtc' | 'ioc' | 'fok' | 'opg' | 'cls';
export type OrderClass = '' | 'bracket' | 'oco' | 'oto';
export type Leg = 'entry' | 'take_profit' | 'stop_loss';
export type OrderStatus =
  | 'accepted'
  | 'held'
  | 'new'
  | 'partially_filled'
  | 'filled'
  | 'canceled'
  | 'expired'
  | 'replaced'
  | 'rejected';

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
  /** What to spend or to raise, in 10^-4 USD; null when the order is by quantity. */
  notional: bigint | null;
  /** In 10^-4 USD; null unless the type has one. */
  limitPrice: bigint | null;
  /** In 10^-4 USD; null unless the type is stop or stop_limit. */
  stopPrice: bigint | null;
  /** A trailing stop's distance, in 10^-4 USD. */
  trailPrice: bigint | null;
  /** A trailing stop's distance, in 10^-4 percent. */
  trailPercent: number | null;
  orderClass: OrderClass;
  /** What the order is in its group; null for a simple order. */
  leg: Leg | null;
  /** Names the orders that live and die together; null for a simple order. */
  groupId: string | null;
  /** The order that this one replaces. */
  replaces: string | null;
  /** The worst price it may trade at: the limit, or a market order's collar. In 10^-4 USD. */
  boundPrice: bigint;
  feeBps: number;
  extendedHours: boolean;
  createdAt: Date;
}

/** What settlement changes. */
export interface OrderProgress {
  status: OrderStatus;
  /** In 10^-9 units. Settlement lowers it for legs, and sets it for an order by notional. */
  qty: bigint;
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
  /** The order that replaced this one. */
  replacedBy: string | null;
  /** When its stop was reached. */
  triggeredAt: Date | null;
  /** The best trade price that a trailing stop has seen, in 10^-4 USD. */
  hwm: bigint | null;
}

/** What was asked for and is waiting to be worked on. */
export type Pending = 'cancel' | 'replace';

/** An order with what a reader needs of its asset, and what is under way with it. */
export interface OrderView extends OrderTerms, OrderProgress {
  symbol: string;
  assetClass: 'us_equity' | 'crypto';
  pending: Pending | null;
  /** The other orders of its group, when they were asked for and it is the group's first. */
  legs?: OrderView[];
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
  declare notional: bigint | null;
  declare limitPrice: bigint | null;
  declare stopPrice: bigint | null;
  declare trailPrice: bigint | null;
  declare trailPercent: number | null;
  declare orderClass: OrderClass;
  declare leg: Leg | null;
  declare groupId: string | null;
  declare replaces: string | null;
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
  declare replacedBy: string | null;
  declare triggeredAt: Date | null;
  declare hwm: bigint | null;
}

/**
 * Derived, never stored: an order cannot stay pending once its work is done, and the external venue has
 * given it back.
 */
const PENDING = `coalesce(
  (select w.kind from work_items w
    where w.order_id = orders.id and w.kind in ('cancel', 'replace')
    order by w.kind limit 1),
  (select 'cancel' from venue_routes r where r.id = orders.route_id and r.ends_as is not null)
  ) as pending`;

/** While a trailing stop is armed, the best price it has seen is with what it waits for. */
const HWM = `coalesce((select p.hwm from parked_orders p where p.order_id = orders.id), orders.hwm)
  as hwm`;

const views = (knex: Knex) =>
  Order.query(knex)
    .select('orders.*', 'assets.symbol', 'assets.class as asset_class')
    .select(knex.raw(PENDING), knex.raw(HWM))
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

/**
 * Puts the legs of those orders that are the first of their group under them: not what was replaced,
 * nor replacements that were refused.
 */
export async function withLegs(knex: Knex, orders: readonly OrderView[]): Promise<OrderView[]> {
  const groups = orders.filter(isFirstOfGroup).map(({ groupId }) => groupId!);
  if (groups.length === 0) return [...orders];
  const members = (await views(knex)
    .whereRaw('orders.group_id = any(?)', [groups])
    .whereNot('orders.status', 'replaced')
    .orderBy(['orders.created_at', 'orders.id'])) as unknown as OrderView[];
  return orders.map((order) => {
    if (!isFirstOfGroup(order)) return order;
    const legs = members.filter(
      (one) =>
        one.groupId === order.groupId &&
        !isFirstOfGroup(one) &&
        !(one.replaces !== null && one.status === 'rejected'),
    );
    return { ...order, legs };
  });
}

/** The entry of a bracket or an oto, the take-profit of an oco. */
export const isFirstOfGroup = ({
  leg,
  orderClass,
}: Pick<OrderView, 'leg' | 'orderClass'>): boolean =>
  leg === 'entry' || (orderClass === 'oco' && leg === 'take_profit');

export interface OrderFilter {
  status: 'open' | 'closed' | 'all';
  limit: number;
  direction: 'asc' | 'desc';
  after?: Date | undefined;
  until?: Date | undefined;
  symbols?: readonly string[] | undefined;
  side?: OrderSide | undefined;
  assetClasses?: readonly string[] | undefined;
  /** Without the legs: they come with the first order of their group. */
  nested?: boolean | undefined;
  /** An order's id: only those submitted after it (or before, when it is not the lower end). */
  cursor?: string | undefined;
  cursorIsLower?: boolean;
}

/**
 * The account's orders by time of submission.
 * Open orders are found through the work list, the book and what is parked, which hold nothing else:
 * the cost does not grow with an account's history.
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
  if (filter.assetClasses) void query.whereIn('assets.class', [...filter.assetClasses]);
  if (filter.nested) {
    void query.whereRaw(
      `(orders.leg is null or orders.leg = 'entry'
        or (orders.order_class = 'oco' and orders.leg = 'take_profit'))`,
    );
  }
  if (filter.side) void query.where('orders.side', filter.side);
  if (filter.cursor !== undefined) {
    void query.whereRaw(
      `(orders.created_at, orders.id) ${filter.cursorIsLower ? '>' : '<'}
        (select c.created_at, c.id from orders c where c.id = ? and c.account_id = ?)`,
      [filter.cursor, accountId],
    );
  }
  const orders = (await query) as unknown as OrderView[];
  return filter.nested ? withLegs(knex, orders) : orders;
}

/** The ids of the account's orders that are not final, as a subquery. */
export const openOrderIds = (knex: Knex, accountId: string): Knex.QueryBuilder =>
  knex('work_items')
    .select('order_id')
    .where({ account_id: accountId })
    .whereIn('kind', ['place', 'release'])
    .union(
      knex('work_items')
        .select('new_order_id as order_id')
        .where({ account_id: accountId, kind: 'replace' }),
      knex('book_orders').select('order_id').where({ account_id: accountId }),
      knex('parked_orders').select('order_id').where({ account_id: accountId }),
    );
