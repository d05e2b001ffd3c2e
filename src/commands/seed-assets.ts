import { fileURLToPath } from 'node:url';
import type { Knex } from 'knex';
import { v5 as uuidv5 } from 'uuid';
import { openingEntry } from '../accounts/open-accounts.js';
import { ADVISORY_LOCKS } from '../advisory-locks.js';
import { loadDotEnv, readConfig } from '../config.js';
import { connectDatabase } from '../db.js';
import { parseDecimal, PRICE_SCALE, QTY_SCALE, tradeValue } from '../domain/money.js';
import { MAKER_ACCOUNT } from '../ledger/house.js';
import { postJournals } from '../ledger/post.js';

export interface SeedAsset {
  symbol: string;
  name: string;
  exchange: string;
  price: string;
  class?: 'crypto';
  minOrderSize?: string;
  /** How wide its price bands are; none when absent. */
  bandBps?: number;
  /** What the house market maker starts with. */
  makerQty?: string;
}

const STOCKS: SeedAsset[] = [
  { symbol: 'AAPL', name: 'Apple Inc.', exchange: 'NASDAQ', price: '150' },
  { symbol: 'MSFT', name: 'Microsoft Corporation', exchange: 'NASDAQ', price: '410' },
  { symbol: 'NVDA', name: 'NVIDIA Corporation', exchange: 'NASDAQ', price: '125' },
  { symbol: 'AMZN', name: 'Amazon.com, Inc.', exchange: 'NASDAQ', price: '185' },
  { symbol: 'GOOGL', name: 'Alphabet Inc. Class A', exchange: 'NASDAQ', price: '170' },
  { symbol: 'META', name: 'Meta Platforms, Inc.', exchange: 'NASDAQ', price: '500' },
  { symbol: 'TSLA', name: 'Tesla, Inc.', exchange: 'NASDAQ', price: '240' },
  { symbol: 'JPM', name: 'JPMorgan Chase & Co.', exchange: 'NYSE', price: '210' },
  { symbol: 'V', name: 'Visa Inc.', exchange: 'NYSE', price: '280' },
  { symbol: 'UNH', name: 'UnitedHealth Group Incorporated', exchange: 'NYSE', price: '520' },
  { symbol: 'XOM', name: 'Exxon Mobil Corporation', exchange: 'NYSE', price: '115' },
  { symbol: 'WMT', name: 'Walmart Inc.', exchange: 'NYSE', price: '80' },
  { symbol: 'PG', name: 'The Procter & Gamble Company', exchange: 'NYSE', price: '170' },
  { symbol: 'JNJ', name: 'Johnson & Johnson', exchange: 'NYSE', price: '160' },
  { symbol: 'HD', name: 'The Home Depot, Inc.', exchange: 'NYSE', price: '390' },
  { symbol: 'KO', name: 'The Coca-Cola Company', exchange: 'NYSE', price: '65' },
  { symbol: 'PEP', name: 'PepsiCo, Inc.', exchange: 'NASDAQ', price: '165' },
  { symbol: 'BAC', name: 'Bank of America Corporation', exchange: 'NYSE', price: '42' },
  { symbol: 'DIS', name: 'The Walt Disney Company', exchange: 'NYSE', price: '100' },
  { symbol: 'SPY', name: 'SPDR S&P 500 ETF Trust', exchange: 'ARCA', price: '570' },
];

const COINS: SeedAsset[] = [
  {
    symbol: 'BTC/USD',
    name: 'Bitcoin / US Dollar',
    exchange: 'CRYPTO',
    price: '60000',
    class: 'crypto',
    minOrderSize: '0.000001',
    makerQty: '100000',
  },
  {
    symbol: 'ETH/USD',
    name: 'Ethereum / US Dollar',
    exchange: 'CRYPTO',
    price: '2500',
    class: 'crypto',
    minOrderSize: '0.00001',
    makerQty: '1000000',
  },
];

/** Those of the demo. */
export const ASSETS: readonly SeedAsset[] = [...STOCKS, ...COINS];
/** As wide as those of large stocks are in the US; coins, which move more, as those of all others. */
const STOCK_BAND_BPS = 500;
const COIN_BAND_BPS = 1_000;

/** The same with price bands, for a market that is watched over. */
export const BANDED_ASSETS: readonly SeedAsset[] = ASSETS.map((asset) => ({
  ...asset,
  bandBps: asset.class === 'crypto' ? COIN_BAND_BPS : STOCK_BAND_BPS,
}));
const NAMESPACE = 'b1a9cf2e-6a3c-4d0e-9c55-0f5d1b7c8e10';
const TICK = '0.01';
const MAKER_SHARES = '10000000';
const MAKER_CASH = '100000000000';

/** The same in every installation, so that scripts may rely on it. */
export const assetIdOf = (symbol: string): string => uuidv5(symbol, NAMESPACE);

/**
 * Creates the shards, the seeded assets with their opening prices, and the market maker's means.
 * Safe to repeat: what exists stays as it is.
 * @param shards how many; an asset keeps the shard it got first
 * @param assets those of the demo when absent
 */
export async function seedAssets(
  knex: Knex,
  shards: number,
  assets: readonly SeedAsset[] = ASSETS,
): Promise<void> {
  await knex.transaction(async (trx) => {
    await trx.raw('select pg_advisory_xact_lock(?)', [ADVISORY_LOCKS.seedAssets]);
    await trx.raw(
      `insert into shards (id) select generate_series(0, ? - 1) on conflict do nothing`,
      [shards],
    );
    await trx.raw(`insert into shard_claims (shard) select id from shards on conflict do nothing`);
    const inserted = await insertAssets(trx, shards, assets);
    await fundMaker(trx, inserted);
  });
}

async function insertAssets(
  trx: Knex.Transaction,
  shards: number,
  assets: readonly SeedAsset[],
): Promise<SeedAsset[]> {
  const rows = await trx('assets')
    .insert(
      assets.map((asset, index) => ({
        id: assetIdOf(asset.symbol),
        symbol: asset.symbol,
        name: asset.name,
        class: asset.class ?? 'us_equity',
        exchange: asset.exchange,
        shard: index % shards,
        price_increment: parseDecimal(TICK, PRICE_SCALE),
        min_order_size: parseDecimal(asset.minOrderSize ?? '0.000000001', QTY_SCALE),
        band_bps: asset.bandBps ?? null,
      })),
    )
    .onConflict('symbol')
    .ignore()
    .returning<{ symbol: string }[]>('symbol');
  const symbols = new Set(rows.map(({ symbol }) => symbol));
  const inserted = assets.filter(({ symbol }) => symbols.has(symbol));
  if (inserted.length === 0) return [];
  await trx('market_prices').insert(
    inserted.map(({ symbol, price }) => ({
      asset_id: assetIdOf(symbol),
      reference_price: parseDecimal(price, PRICE_SCALE),
      previous_close: parseDecimal(price, PRICE_SCALE),
    })),
  );
  return inserted;
}

async function fundMaker(trx: Knex.Transaction, inserted: readonly SeedAsset[]): Promise<void> {
  if (inserted.length === 0) return;
  const holdings = inserted.map(({ symbol, price, makerQty }) => {
    const qty = parseDecimal(makerQty ?? MAKER_SHARES, QTY_SCALE);
    return {
      assetId: assetIdOf(symbol),
      qty,
      cost: tradeValue(parseDecimal(price, PRICE_SCALE), qty),
    };
  });
  const { cash } = (await trx('accounts').first('cash').where({ id: MAKER_ACCOUNT })) as {
    cash: bigint;
  };
  const entry = openingEntry(MAKER_ACCOUNT, {
    cash: cash === 0n ? parseDecimal(MAKER_CASH, PRICE_SCALE) : 0n,
    holdings,
  });
  await postJournals(trx, [entry]);
}

async function main(): Promise<void> {
  loadDotEnv();
  const config = readConfig(process.env);
  const db = connectDatabase(config.databaseUrl, 'seed', 2);
  try {
    await seedAssets(db.knex, config.shards);
  } finally {
    await db.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
