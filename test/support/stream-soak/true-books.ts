import type { Knex } from 'knex';
import { FEED_DEPTH } from '../../../src/market/feed.js';
import type { Key } from '../order-load.js';
import { bookText } from './rebuilt-books.js';

const LEVELS = `
  select abs(b.rank) as price, sum(b.remaining) as size
  from book_orders b join assets a on a.id = b.asset_id
  where a.symbol = ? and b.side = ?
  group by b.rank order by b.rank limit ${FEED_DEPTH}`;

/** What rests in Postgres, as a stream would show it. */
export async function bookInPostgres(knex: Knex, symbol: string): Promise<string> {
  const side = async (name: 'buy' | 'sell') => {
    const { rows } = await knex.raw<{ rows: { price: bigint; size: string }[] }>(LEVELS, [
      symbol,
      name,
    ]);
    return rows.map(({ price, size }) => [Number(price) / 1e4, Number(size) / 1e9] as const);
  };
  return bookText(await side('buy'), await side('sell'));
}

interface Level {
  readonly price: string;
  readonly size: string;
}

/** What an API answers. */
export async function bookByRest(url: string, key: Key, symbol: string): Promise<string> {
  const answer = await fetch(`${url}/v2/markets/${symbol}/book?depth=${FEED_DEPTH}`, {
    headers: { 'APCA-API-KEY-ID': key.key_id, 'APCA-API-SECRET-KEY': key.secret_key },
  });
  if (answer.status !== 200) throw new Error(`the book of ${symbol}: ${answer.status}`);
  const { bids, asks } = (await answer.json()) as { bids: Level[]; asks: Level[] };
  const side = (levels: Level[]) =>
    levels.map(({ price, size }) => [Number(price), Number(size)] as const);
  return bookText(side(bids), side(asks));
}
