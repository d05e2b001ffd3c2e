import type { Knex } from 'knex';
import { Model, snakeCaseMappers } from 'objection';
import { Asset } from '../assets/model.js';

/** A client's list of assets, in the client's order. */
export class Watchlist extends Model {
  static override tableName = 'watchlists';
  static override columnNameMappers = snakeCaseMappers();

  declare id: string;
  declare accountId: string;
  declare name: string;
  declare createdAt: Date;
  declare updatedAt: Date;
}

/** One of an account's watchlists: by its id, or by its name. */
export type WatchlistKey = { readonly id: string } | { readonly name: string };

/** The account's watchlists, the oldest first. */
export const listWatchlists = (knex: Knex, accountId: string): Promise<Watchlist[]> =>
  Watchlist.query(knex).where('account_id', accountId).orderBy(['created_at', 'id']).execute();

export const findWatchlist = async (
  knex: Knex,
  accountId: string,
  key: WatchlistKey,
): Promise<Watchlist | undefined> =>
  await Watchlist.query(knex).findOne({ ...key, account_id: accountId });

/** The assets of a watchlist, in the order of the list. */
export const watchedAssets = async (knex: Knex, watchlistId: string): Promise<Asset[]> =>
  await Asset.query(knex)
    .join('watchlist_assets as w', 'w.asset_id', 'assets.id')
    .where('w.watchlist_id', watchlistId)
    .orderBy('w.position')
    .select('assets.*');

/** Puts assets at the end of a watchlist; those that are on it stay where they are. */
export async function appendAssets(
  trx: Knex.Transaction,
  watchlistId: string,
  assetIds: readonly string[],
): Promise<void> {
  await trx.raw(
    `insert into watchlist_assets (watchlist_id, asset_id, position)
     select :watchlistId::uuid, u.asset_id, u.place + coalesce(
       (select max(position) from watchlist_assets where watchlist_id = :watchlistId), 0)
     from unnest(:assetIds::uuid[]) with ordinality as u (asset_id, place)
     on conflict do nothing`,
    { watchlistId, assetIds },
  );
}

/** @returns false when none of them was on the watchlist */
export async function removeAssets(
  trx: Knex.Transaction,
  watchlistId: string,
  assetIds?: readonly string[],
): Promise<boolean> {
  const query = trx('watchlist_assets').where({ watchlist_id: watchlistId });
  if (assetIds) void query.whereIn('asset_id', assetIds);
  return (await query.delete()) > 0;
}

/** Lets one request at a time change an account's watchlists: their limits and names are shared. */
export async function lockWatchlists(trx: Knex.Transaction, accountId: string): Promise<void> {
  await trx.raw(`select pg_advisory_xact_lock(hashtextextended('watchlists ' || ?, 0))`, [
    accountId,
  ]);
}
