import type { Knex } from 'knex';
import type { RouteStatus } from '../domain/venue-route.js';

/** The rest of an order at the external venue, for the house. Prices in 10^-4 USD. */
export interface ListedRoute {
  readonly id: string;
  readonly orderId: string;
  readonly accountId: string;
  readonly symbol: string;
  readonly shard: number;
  readonly side: 'buy' | 'sell';
  /** In 10^-9 units. */
  readonly qty: bigint;
  readonly filledQty: bigint;
  readonly limitPrice: bigint;
  readonly status: RouteStatus;
  readonly reason: string | null;
  /** How the order ends once the venue is done; null: as its type has it. */
  readonly endsAs: string | null;
  readonly closeReason: string | null;
  readonly disputed: boolean;
  readonly goodUntil: Date;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

export interface RouteFilter {
  readonly status?: RouteStatus;
  readonly disputed?: boolean;
  readonly limit: number;
  /** Only those before this one. */
  readonly page_token?: string;
}

const COLUMNS = {
  id: 'r.id',
  orderId: 'r.order_id',
  accountId: 'r.account_id',
  symbol: 'a.symbol',
  shard: 'r.shard',
  side: 'r.side',
  qty: 'r.qty',
  filledQty: 'r.filled_qty',
  limitPrice: 'r.limit_price',
  status: 'r.status',
  reason: 'r.reason',
  endsAs: 'r.ends_as',
  closeReason: 'r.close_reason',
  disputed: 'r.disputed',
  goodUntil: 'r.good_until',
  createdAt: 'r.created_at',
  endedAt: 'r.ended_at',
};

const routes = (knex: Knex) => knex('venue_routes as r').join('assets as a', 'a.id', 'r.asset_id');

/** The newest first. */
export async function listRoutes(knex: Knex, filter: RouteFilter): Promise<ListedRoute[]> {
  const query = routes(knex).orderBy('r.id', 'desc').limit(filter.limit);
  if (filter.status) void query.where('r.status', filter.status);
  if (filter.disputed !== undefined) void query.where('r.disputed', filter.disputed);
  if (filter.page_token !== undefined) void query.where('r.id', '<', filter.page_token);
  return await query.select<ListedRoute[]>(COLUMNS);
}

export const findRoute = async (knex: Knex, id: string): Promise<ListedRoute | undefined> =>
  await routes(knex).where('r.id', id).first<ListedRoute | undefined>(COLUMNS);
