import type { Knex } from 'knex';
import { findAssets, type Asset } from '../assets/model.js';
import type { AssetClass } from './market-days.js';

/** The assets of a class that are among these names, each once; names that are not traded here have none. */
export async function findListed(
  knex: Knex,
  names: readonly string[],
  assetClass: AssetClass,
): Promise<Asset[]> {
  const found = await findAssets(knex, names);
  const listed = found.filter((asset): asset is Asset => asset?.class === assetClass);
  return [...new Map(listed.map((asset) => [asset.id, asset])).values()];
}
