import type { Knex } from 'knex';
import type { Database } from '../db.js';
import { readLatestBars, type Bar } from './bars-model.js';
import { readBooks, type Book } from './book.js';
import { readLatestTrades, type MarketTrade } from './trades-model.js';

/** What is known of an asset's market: the bars are undefined while there were not that many. */
export interface Snapshot {
  readonly book: Book;
  readonly trade: MarketTrade | undefined;
  readonly minute: Bar | undefined;
  readonly day: Bar | undefined;
  readonly dayBefore: Bar | undefined;
}

/** @returns a snapshot for each of the ids, in their order */
export async function readSnapshots(
  db: Database,
  assetIds: readonly string[],
): Promise<Snapshot[]> {
  const [books, trades, minutes, days] = await Promise.all([
    readBooks(db, assetIds, 1),
    readLatestTrades(db.knex, assetIds),
    readLatestBars(db.knex, assetIds),
    readLatestDays(db.knex, assetIds),
  ]);
  return assetIds.map((id, index) => {
    const [day, dayBefore] = days.filter(({ assetId }) => assetId === id);
    return { book: books[index]!, trade: trades.get(id), minute: minutes.get(id), day, dayBefore };
  });
}

/** The latest two days on which each asset traded, the later one first. */
async function readLatestDays(
  knex: Knex,
  assetIds: readonly string[],
): Promise<(Bar & { assetId: string })[]> {
  const { rows } = await knex.raw<{ rows: (Bar & { assetId: string })[] }>(
    `select b.asset_id as "assetId", b.starts_at as "startsAt", b.open, b.high, b.low, b.close,
       b.volume, b.value, b.trades
     from unnest(:assetIds::uuid[]) as a (id)
     cross join lateral (
       select * from market_bars b where b.asset_id = a.id and b.timeframe = '1Day'
       order by b.starts_at desc limit 2) b
     order by b.asset_id, b.starts_at desc`,
    { assetIds },
  );
  return rows;
}
