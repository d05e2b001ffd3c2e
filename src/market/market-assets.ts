import type { Knex } from 'knex';
import Joi from 'joi';
import { findAssets, type Asset } from '../assets/model.js';
import { invalid, notFound } from '../errors.js';
import { listParameter } from '../http/list-parameter.js';

export type MarketClass = 'us_equity' | 'crypto';

const SYMBOLS_MAX = 100;

/** The symbols of a request for market data; those of pairs with their slash or without. */
export const symbolsParameter = listParameter({
  maxLength: 2_000,
  each: (symbol) => symbol.toUpperCase(),
  fault: (symbols) =>
    symbols.length <= SYMBOLS_MAX && symbols.every((symbol) => symbol !== '')
      ? undefined
      : `must be a list, comma-separated or repeated, of 1 to ${SYMBOLS_MAX} symbols`,
});

export const symbolParameter = Joi.string().max(40).required();

const NAMES: Readonly<Record<MarketClass, string>> = {
  us_equity: 'a stock',
  crypto: 'a crypto pair',
};

const isOf = (asset: Asset | undefined, kind: MarketClass | undefined): asset is Asset =>
  asset !== undefined && (kind === undefined || asset.class === kind);

/**
 * The asset that a path names.
 * @param kind what it must be; anything when absent
 * @throws DomainError 404
 */
export async function marketAsset(knex: Knex, symbol: string, kind?: MarketClass): Promise<Asset> {
  const [asset] = await findAssets(knex, [symbol.toUpperCase()]);
  if (!isOf(asset, kind)) throw notFound(`${kind ? NAMES[kind] : 'an asset'} ${symbol}`);
  return asset;
}

/**
 * The assets that `symbols` names, each once.
 * @throws DomainError 422 for one that is not among those of this kind
 */
export async function marketAssets(
  knex: Knex,
  symbols: readonly string[],
  kind?: MarketClass,
): Promise<Asset[]> {
  const assets = await findAssets(knex, symbols);
  const found = assets.map((asset, index) => {
    if (isOf(asset, kind)) return asset;
    const what = kind ? NAMES[kind] : 'an asset';
    const message = `has "${symbols[index]!.slice(0, 40)}", which is not ${what} that trades here`;
    throw invalid(`symbols ${message}`, { errors: [{ field: 'symbols', message }] });
  });
  return [...new Set(found)];
}
