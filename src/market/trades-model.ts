import type { Knex } from 'knex';

/** A trade as the market sees it. Price in 10^-4 USD, quantity in 10^-9 units. */
export interface MarketTrade {
  readonly seq: bigint;
  readonly price: bigint;
  readonly qty: bigint;
  readonly takerSide: 'buy' | 'sell';
  readonly executedAt: Date;
}

/** Which trades of an asset. */
export interface TradesRange {
  /** Both included. */
  readonly start: Date;
  readonly end: Date;
  readonly sort: 'asc' | 'desc';
  /** Only what comes behind this one, in the order asked for. */
  readonly after: bigint | null;
  readonly limit: number;
}

/**
 * Machines' clocks differ a little, so that a trade may have a lower number than one of an earlier
 * minute: of so many minutes (or hours) at each end the bars are asked for their numbers.
 */
const SPANS_AROUND = 5;

const COLUMNS = `seq, price, qty, taker_side as "takerSide", executed_at as "executedAt"`;

/**
 * An asset's trades by their numbers, which is their order. There is no index on their time: the bars
 * of the minutes know between which numbers a time is, and what they have not reached yet is little.
 * Before the earliest minute that is kept, hours know it.
 */
export async function readTrades(
  knex: Knex,
  assetId: string,
  { start, end, sort, after, limit }: TradesRange,
): Promise<MarketTrade[]> {
  const isAscending = sort === 'asc';
  const { rows } = await knex.raw<{ rows: MarketTrade[] }>(
    `with spans as (select case when :start::timestamptz >= min(starts_at) then 'minute' else 'hour' end
         as span from market_bars where asset_id = :assetId and timeframe = '1Min'),
     bars as not materialized (
       select starts_at, first_seq, last_seq from market_bars
       where asset_id = :assetId and first_seq is not null
         and timeframe = (select case span when 'minute' then '1Min' else '1Hour' end from spans)),
     bounds as (select
       coalesce(
         (select min(first_seq) from (select first_seq from bars
           where starts_at >= date_trunc((select span from spans), :start::timestamptz, 'UTC')
           order by starts_at limit ${SPANS_AROUND}) as next),
         (select last_seq + 1 from market_tape where asset_id = :assetId),
         0) as first,
       case when exists (select from bars
           where starts_at > :end::timestamptz
             + ${SPANS_AROUND} * (select ('1 ' || span)::interval from spans))
         then coalesce((select max(last_seq) from (select last_seq from bars
           where starts_at <= :end::timestamptz
           order by starts_at desc limit ${SPANS_AROUND}) as previous), 0)
         else ${BIGINT_MAX} end as last)
     select ${COLUMNS} from executions
     where asset_id = :assetId
       and seq >= (select first from bounds) and seq <= (select last from bounds)
       and executed_at between :start::timestamptz and :end::timestamptz
       ${after === null ? '' : `and seq ${isAscending ? '>' : '<'} :after`}
     order by seq ${sort} limit :limit`,
    { assetId, start, end, limit, ...(after !== null && { after: String(after) }) },
  );
  return rows;
}

const BIGINT_MAX = String(2n ** 63n - 1n);

/** The latest trade of each asset that has ever traded, by asset id. */
export async function readLatestTrades(
  knex: Knex,
  assetIds: readonly string[],
): Promise<Map<string, MarketTrade>> {
  const { rows } = await knex.raw<{ rows: (MarketTrade & { assetId: string })[] }>(
    `select a.id as "assetId", e.* from unnest(:assetIds::uuid[]) as a (id)
     cross join lateral (
       select ${COLUMNS} from executions where asset_id = a.id order by seq desc limit 1) e`,
    { assetIds },
  );
  return new Map(rows.map((row) => [row.assetId, row]));
}
