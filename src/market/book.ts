import type { Database, Statement } from '../db.js';

/** What rests at one price. */
export interface BookLevel {
  /** In 10^-4 USD. */
  readonly price: bigint;
  /** In 10^-9 units. */
  readonly size: bigint;
  readonly orders: number;
}

/** Each side's best level first. */
export interface Book {
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
}

interface LevelRow {
  assetId: string;
  side: 'buy' | 'sell';
  price: bigint;
  /** A sum is a numeric. */
  size: string;
  orders: bigint;
}

/**
 * $1 assets, $2 levels a side. From each level the index leads to the next one, so that the cost
 * depends on what is shown, never on how deep the books are. The sums are of those levels' orders
 * only. One statement sees one state: what is taken in a trade is gone from all levels at once.
 */
const BEST_LEVELS: Statement = {
  name: 'market-best-levels',
  text: `
    with recursive levels as (
      select wanted.asset_id, sides.side, best.rank, 1 as level
      from unnest($1::uuid[]) as wanted (asset_id)
      cross join (values ('buy'), ('sell')) as sides (side)
      cross join lateral (
        select b.rank from book_orders b
        where b.asset_id = wanted.asset_id and b.side = sides.side
        order by b.rank limit 1
      ) best
      union all
      select l.asset_id, l.side, next.rank, l.level + 1
      from levels l
      cross join lateral (
        select b.rank from book_orders b
        where b.asset_id = l.asset_id and b.side = l.side and b.rank > l.rank
        order by b.rank limit 1
      ) next
      where l.level < $2
    )
    select l.asset_id as "assetId", l.side, abs(l.rank) as price, resting.size, resting.orders
    from levels l
    cross join lateral (
      select sum(b.remaining) as size, count(*) as orders from book_orders b
      where b.asset_id = l.asset_id and b.side = l.side and b.rank = l.rank
    ) resting
    order by l.asset_id, l.side, l.rank`,
};

/**
 * The best levels of the books of some assets, all as of one moment.
 * @param depth levels a side, at most
 * @returns a book for each of the ids, in their order; empty where nothing rests
 */
export async function readBooks(
  db: Pick<Database, 'run'>,
  assetIds: readonly string[],
  depth: number,
): Promise<Book[]> {
  const books = new Map(
    assetIds.map((id) => [id, { bids: [] as BookLevel[], asks: [] as BookLevel[] }]),
  );
  const rows = await db.run<LevelRow>(BEST_LEVELS, [[...books.keys()], depth]);
  for (const { assetId, side, price, size, orders } of rows) {
    const book = books.get(assetId)!;
    const levels = side === 'buy' ? book.bids : book.asks;
    levels.push({ price, size: BigInt(size), orders: Number(orders) });
  }
  return assetIds.map((id) => books.get(id)!);
}
