import type { Knex } from 'knex';

export interface AssetPrice {
  id: string;
  symbol: string;
  class: 'us_equity' | 'crypto';
  /** The reference price, in 10^-4 USD. */
  price: bigint;
}

/** All assets that have a price, by symbol. */
export const readPrices = (knex: Knex): Promise<AssetPrice[]> =>
  knex('assets')
    .join('market_prices', 'asset_id', 'assets.id')
    .orderBy('symbol')
    .select<AssetPrice[]>('assets.id', 'symbol', 'class', 'reference_price as price');

/** All names of the assets: `AAPL`, `BTC/USD`, `BTCUSD`. */
export async function readSymbols(knex: Knex): Promise<ReadonlySet<string>> {
  const prices = await readPrices(knex);
  return new Set(prices.flatMap(({ symbol }) => [symbol, symbol.replace('/', '')]));
}
