import type { Knex } from 'knex';
import { findAssets, type Asset } from '../assets/model.js';
import { DomainError, invalid, notFound } from '../errors.js';
import { newId } from '../ids.js';
import {
  appendAssets,
  findWatchlist,
  lockWatchlists,
  removeAssets,
  watchedAssets,
  Watchlist,
  type WatchlistKey,
} from './model.js';

export const WATCHLISTS_MAX = 200;
export const SYMBOLS_MAX = 500;

export interface FilledWatchlist {
  readonly watchlist: Watchlist;
  readonly assets: readonly Asset[];
}

/** @throws DomainError 404 when the account has no such list */
export async function readWatchlist(
  knex: Knex,
  accountId: string,
  key: WatchlistKey,
): Promise<FilledWatchlist> {
  const watchlist = await findWatchlist(knex, accountId, key);
  if (!watchlist) throw notFound('watchlist');
  return { watchlist, assets: await watchedAssets(knex, watchlist.id) };
}

/**
 * Opens a watchlist, in the caller's transaction as everything below.
 * @throws DomainError 422 for a name that is taken, a symbol that is unknown, or one list too many
 */
export async function createWatchlist(
  trx: Knex.Transaction,
  accountId: string,
  { name, symbols }: { name: string; symbols: readonly string[] },
): Promise<FilledWatchlist> {
  await lockWatchlists(trx, accountId);
  const count = await Watchlist.query(trx).where('account_id', accountId).resultSize();
  if (count >= WATCHLISTS_MAX) {
    throw invalid(`An account has ${WATCHLISTS_MAX} watchlists at most: delete one first`);
  }
  await requireFreeName(trx, accountId, name);
  const assets = await requireAssets(trx, symbols, 'symbols');
  const now = new Date();
  const id = newId();
  await Watchlist.query(trx).insert({ id, accountId, name, createdAt: now, updatedAt: now });
  await appendAssets(
    trx,
    id,
    assets.map((asset) => asset.id),
  );
  return readWatchlist(trx, accountId, { id });
}

/**
 * Gives a watchlist another name, other assets, or both; what is not said stays.
 * @throws DomainError 404, 422 as for a new one
 */
export async function changeWatchlist(
  trx: Knex.Transaction,
  accountId: string,
  key: WatchlistKey,
  { name, symbols }: { name?: string; symbols?: readonly string[] },
): Promise<FilledWatchlist> {
  const { id, name: oldName } = await requireWatchlist(trx, accountId, key);
  if (name !== undefined && name !== oldName) await requireFreeName(trx, accountId, name);
  if (symbols) {
    const assets = await requireAssets(trx, symbols, 'symbols');
    await removeAssets(trx, id);
    await appendAssets(
      trx,
      id,
      assets.map((asset) => asset.id),
    );
  }
  await touch(trx, id, name);
  return readWatchlist(trx, accountId, { id });
}

/**
 * Puts an asset at the end of a watchlist.
 * @throws DomainError 404; 422 when it is on the list already, unknown, or one too many
 */
export async function addToWatchlist(
  trx: Knex.Transaction,
  accountId: string,
  key: WatchlistKey,
  symbol: string,
): Promise<FilledWatchlist> {
  const { id } = await requireWatchlist(trx, accountId, key);
  const [asset] = (await requireAssets(trx, [symbol], 'symbol')) as [Asset];
  const before = await watchedAssets(trx, id);
  if (before.some((watched) => watched.id === asset.id)) {
    throw invalid(`${asset.symbol} is on this watchlist already`, fieldError('symbol', 'is on it'));
  }
  if (before.length >= SYMBOLS_MAX) {
    throw invalid(`A watchlist has ${SYMBOLS_MAX} symbols at most`);
  }
  await appendAssets(trx, id, [asset.id]);
  await touch(trx, id);
  return readWatchlist(trx, accountId, { id });
}

/** @throws DomainError 404 when there is no such list, or the symbol is not on it */
export async function removeFromWatchlist(
  trx: Knex.Transaction,
  accountId: string,
  key: WatchlistKey,
  symbol: string,
): Promise<FilledWatchlist> {
  const { id } = await requireWatchlist(trx, accountId, key);
  const [asset] = await findAssets(trx, [symbol]);
  if (!asset || !(await removeAssets(trx, id, [asset.id]))) {
    throw notFound(`${symbol} in the watchlist`);
  }
  await touch(trx, id);
  return readWatchlist(trx, accountId, { id });
}

/** @throws DomainError 404 */
export async function deleteWatchlist(
  trx: Knex.Transaction,
  accountId: string,
  key: WatchlistKey,
): Promise<void> {
  const { id } = await requireWatchlist(trx, accountId, key);
  await Watchlist.query(trx).deleteById(id);
}

async function requireWatchlist(
  trx: Knex.Transaction,
  accountId: string,
  key: WatchlistKey,
): Promise<Watchlist> {
  await lockWatchlists(trx, accountId);
  const watchlist = await findWatchlist(trx, accountId, key);
  if (!watchlist) throw notFound('watchlist');
  return watchlist;
}

/** The code and words are those of the wire contract. */
async function requireFreeName(trx: Knex, accountId: string, name: string): Promise<void> {
  if (!(await findWatchlist(trx, accountId, { name }))) return;
  const details = fieldError('name', 'must be unique');
  throw new DomainError('invalid', 40010001, 'watchlist name must be unique', details);
}

/** Each asset once, in the order of the symbols. */
async function requireAssets(
  trx: Knex,
  symbols: readonly string[],
  field: string,
): Promise<Asset[]> {
  const assets = await findAssets(trx, symbols);
  const unknown = symbols.filter((_, index) => !assets[index]);
  if (unknown.length > 0) {
    const names = unknown.slice(0, 10).join(', ');
    throw invalid(`asset not found: ${names}`, fieldError(field, `has no assets: ${names}`));
  }
  return [...new Map((assets as Asset[]).map((asset) => [asset.id, asset])).values()];
}

const fieldError = (field: string, message: string) => ({
  errors: [{ field, message: `${field} ${message}` }],
});

async function touch(trx: Knex, id: string, name?: string): Promise<void> {
  await Watchlist.query(trx)
    .findById(id)
    .patch({ updatedAt: new Date(), ...(name !== undefined && { name }) });
}
