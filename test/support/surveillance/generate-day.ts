import type { Knex } from 'knex';
import { OrderBook } from '../../../src/domain/order-book.js';
import { MarketDay } from './market-day.js';
import { planHouseMaker, planLookAlikes, planOrdinaryOrders } from './ordinary-day.js';
import { People } from './people.js';
import { plant, type Planted } from './planted.js';
import { writeDay } from './write-day.js';

export interface GeneratedDay {
  readonly day: MarketDay;
  readonly planted: readonly Planted[];
}

const OPEN = Date.parse('2026-11-20T14:30:00Z');
const CLOSE = Date.parse('2026-11-20T21:00:00Z');
const ASSETS = 12;
const ORDINARY_ORDERS = 20_000;

/**
 * Makes up a day of 20,000 ordinary orders of 200 accounts, the house's quotes, honest behaviour that
 * looks suspicious, and planted abuse; and writes it into the tables.
 * @param seed the same seed is the same day
 */
export async function generateDay(
  knex: Knex,
  seed: number,
  { abuse = true }: { abuse?: boolean } = {},
): Promise<GeneratedDay> {
  const assets = await knex('assets')
    .join('market_prices', 'asset_id', 'assets.id')
    .where({ class: 'us_equity' })
    .orderBy('symbol')
    .limit(ASSETS)
    .select<{ id: string; symbol: string; shard: number; fair: bigint }[]>(
      'assets.id',
      'symbol',
      'shard',
      'reference_price as fair',
    );
  const day = new MarketDay(
    seed,
    OPEN,
    CLOSE,
    assets.map((asset) => ({ ...asset, book: new OrderBook() })),
  );
  const people = new People(day);
  planHouseMaker(day);
  planOrdinaryOrders(day, people, ORDINARY_ORDERS);
  planLookAlikes(day, people);
  const planted = abuse ? plant(day, people) : [];
  day.run();
  await people.write(knex);
  await writeDay(knex, day);
  return { day, planted };
}
