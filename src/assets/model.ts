import type { Knex } from 'knex';
import { Model, snakeCaseMappers } from 'objection';

/** Something that can be owned. The currency (USD) is one too, for the ledger; it is never listed. */
export class Asset extends Model {
  static override tableName = 'assets';
  static override columnNameMappers = snakeCaseMappers();

  declare id: string;
  declare symbol: string;
  declare name: string;
  declare class: 'currency' | 'us_equity' | 'crypto';
  declare exchange: string;
  declare status: 'active' | 'inactive';
  declare tradable: boolean;
  declare fractionable: boolean;
  declare shard: number | null;
  /** The tick, in 10^-4 USD. */
  declare priceIncrement: bigint;
  /** In 10^-9 units. */
  declare minOrderSize: bigint;
  declare minTradeIncrement: bigint;
  declare createdAt: Date;
}

export interface AssetFilter {
  readonly status?: 'active' | 'inactive' | 'all';
  readonly asset_class?: string;
  readonly exchange?: string;
  readonly attributes?: readonly string[] | '';
  /** `BTC/USD` and `BTCUSD` are the same. */
  readonly symbols?: readonly string[];
  readonly ids?: readonly string[];
}

/** The listed assets, by symbol. */
export async function listAssets(knex: Knex, filter: AssetFilter): Promise<Asset[]> {
  if (filter.attributes) return []; // no asset has any
  const query = Asset.query(knex).whereNot('class', 'currency').orderBy('symbol');
  if (filter.status && filter.status !== 'all') void query.where('status', filter.status);
  if (filter.asset_class) void query.where('class', filter.asset_class);
  if (filter.exchange) void query.where('exchange', filter.exchange);
  if (filter.ids) void query.whereRaw('id = any(?::uuid[])', [filter.ids]);
  if (filter.symbols) {
    const symbols = filter.symbols.map((symbol) => symbol.replace('/', ''));
    void query.whereRaw(`replace(symbol, '/', '') = any(?::text[])`, [symbols]);
  }
  return await query;
}

/** Assets by symbol (`AAPL`, `BTC/USD`, `BTCUSD`) or id, in the order of the names. */
export async function findAssets(
  knex: Knex,
  names: readonly string[],
): Promise<(Asset | undefined)[]> {
  const assets = await Asset.query(knex)
    .whereNot('class', 'currency')
    .whereRaw(`(replace(symbol, '/', '') = any(:plain::text[]) or id::text = any(:ids::text[]))`, {
      plain: names.map((name) => name.replace('/', '')),
      ids: names.map((name) => name.toLowerCase()),
    });
  const isNamed = ({ id, symbol }: Asset, name: string): boolean =>
    symbol === name || symbol.replace('/', '') === name || id === name.toLowerCase();
  return names.map((name) => assets.find((asset) => isNamed(asset, name)));
}

/** One asset by symbol (`AAPL`, `BTC/USD`, `BTCUSD`) or id. */
export const findAsset = async (knex: Knex, name: string): Promise<Asset | undefined> =>
  await Asset.query(knex)
    .whereNot('class', 'currency')
    .where((asset) => {
      void asset
        .where('symbol', name)
        .orWhereRaw(`replace(symbol, '/', '') = ?`, [name])
        .orWhereRaw('id::text = ?', [name.toLowerCase()]);
    })
    .first();
