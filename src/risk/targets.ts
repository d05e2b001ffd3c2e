import type { Knex } from 'knex';
import { findAsset } from '../assets/model.js';
import type { ControlTarget } from './control-changes.js';

/** Everybody, every asset. */
export const HOUSE: ControlTarget = { account_id: null, asset_id: null, symbol: null };

/** An account that trades, a client's or the house's; undefined when there is none. */
export async function findAccountTarget(
  knex: Knex,
  accountId: string,
): Promise<ControlTarget | undefined> {
  const account = await knex('accounts')
    .where({ id: accountId })
    .whereNot('kind', 'external')
    .first<{ id: string } | undefined>('id');
  return account && { ...HOUSE, account_id: account.id };
}

/** @param name `AAPL`, `BTC/USD`, `BTCUSD` or an asset id; undefined when there is none */
export async function findAssetTarget(
  knex: Knex,
  name: string,
): Promise<ControlTarget | undefined> {
  const asset = await findAsset(knex, name);
  return asset && { ...HOUSE, asset_id: asset.id, symbol: asset.symbol };
}
