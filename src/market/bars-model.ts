import type { Knex } from 'knex';
import type { DayZone } from './market-days.js';
import { spansOf, type Timeframe } from './timeframes.js';

/** Prices and value in 10^-4 USD, volume in 10^-9 units. */
export interface Bar {
  readonly startsAt: Date;
  readonly open: bigint;
  readonly high: bigint;
  readonly low: bigint;
  readonly close: bigint;
  readonly volume: bigint;
  readonly value: bigint;
  readonly trades: number;
}

/** Which bars of an asset. */
export interface BarsRange {
  readonly timeframe: Timeframe;
  readonly zone: DayZone;
  /** A bar is in it when its span begins between the two, both included. */
  readonly start: Date;
  readonly end: Date;
  readonly sort: 'asc' | 'desc';
  /** Only what comes behind this one, in the order asked for. */
  readonly after: Date | null;
  readonly limit: number;
}

type BarRow = Omit<Bar, 'volume' | 'value'> & { volume: string; value: string };

/**
 * An asset's bars in order of time, at most `limit`. No more kept bars are read than so many bars can
 * be made of, however long the range: beyond, a span would come out cut.
 */
export async function readBars(knex: Knex, assetId: string, range: BarsRange): Promise<Bar[]> {
  const { timeframe, zone, start, end, sort, after, limit } = range;
  const { kept, keptBars, ms, sql } = spansOf(timeframe);
  const isAscending = sort === 'asc';
  const from = isAscending && after !== null && after > start ? after : start;
  const last = new Date(Math.min(end.getTime() + ms, LATEST_MS));
  const until = !isAscending && after !== null && after < last ? after : last;
  const { rows } = await knex.raw<{ rows: BarRow[] }>(
    `select span as "startsAt", (array_agg(open order by starts_at))[1] as open,
       max(high) as high, min(low) as low,
       (array_agg(close order by starts_at desc))[1] as close,
       sum(volume)::text as volume, sum(value)::text as value, sum(trades)::int as trades
     from (
       select *, ${sql} as span from market_bars
       where asset_id = :assetId and timeframe = :kept and starts_at >= :from and starts_at <= :until
       order by starts_at ${sort} limit :keptMax) as kept
     where span between :start and :end
       ${after === null ? '' : `and span ${isAscending ? '>' : '<'} :after`}
     group by span order by span ${sort} limit :limit`,
    {
      ...{ assetId, kept, from, until, start, end, limit, zone },
      ...(after !== null && { after }),
      count: timeframe.count,
      keptMax: (limit + 2) * keptBars + 2, // two spans at the ends may not be in the range
    },
  );
  return rows.map((row) => ({ ...row, volume: BigInt(row.volume), value: BigInt(row.value) }));
}

/** The latest time that Postgres and we both know. */
const LATEST_MS = Date.UTC(9999, 11, 31);

/** The latest minute of each asset that has ever traded, by asset id. */
export async function readLatestBars(
  knex: Knex,
  assetIds: readonly string[],
): Promise<Map<string, Bar>> {
  const { rows } = await knex.raw<{ rows: (Bar & { assetId: string })[] }>(
    `select b.asset_id as "assetId", b.starts_at as "startsAt", b.open, b.high, b.low, b.close,
       b.volume, b.value, b.trades
     from unnest(:assetIds::uuid[]) as a (id)
     cross join lateral (
       select * from market_bars b where b.asset_id = a.id and b.timeframe = '1Min'
       order by b.starts_at desc limit 1) b`,
    { assetIds },
  );
  return new Map(rows.map((row) => [row.assetId, row]));
}
