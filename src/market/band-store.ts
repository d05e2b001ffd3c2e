import type { Knex } from 'knex';
import type { BandState } from '../domain/band-state.js';
import { REFERENCE_WINDOW_MS, type PriceBand } from '../domain/price-bands.js';

/** Why an order ends that its asset's bands do not let trade. */
export const PRICE_BAND_REASON = 'price_band';

/** An asset that has bands, or has just lost them, with what decides about them. */
export interface BandedAsset {
  readonly id: string;
  readonly symbol: string;
  readonly class: 'us_equity' | 'crypto';
  readonly priceIncrement: bigint;
  /** Null: it has none any more. */
  readonly bandBps: number | null;
  /** Null: it has none yet. */
  readonly state: BandState | null;
  readonly price: bigint;
  readonly lastTradeAt: Date | null;
  readonly bid: bigint | null;
  readonly ask: bigint | null;
  /** When orders were last stopped at each edge, since the bands began anew. */
  readonly stoppedAtUpper: Date | null;
  readonly stoppedAtLower: Date | null;
  readonly haltId: string | null;
}

type BandRow = Omit<BandedAsset, 'state' | 'haltId'> & {
  [Member in keyof BandState]: BandState[Member] | null;
} & { readonly blockId: string | null };

/** A few rows by their keys, and of each book the best order of each side by its index. */
const BANDED_ASSETS = `
  select a.id, a.symbol, a.class, a.price_increment as "priceIncrement", a.band_bps as "bandBps",
    coalesce(m.last_price, m.reference_price) as price, m.last_trade_at as "lastTradeAt",
    b.reference, b.lower, b.upper, b.moved_at as "movedAt", b.counts_from as "countsFrom",
    b.after_close as "afterClose", b.limit_edge as "limitEdge", b.limit_since as "limitSince",
    b.halt_id as "haltId", b.halted_until as "haltedUntil",
    bids.bid, asks.ask, stops."stoppedAtUpper", stops."stoppedAtLower", h.id as "blockId"
  from assets a
  join market_prices m on m.asset_id = a.id
  left join price_bands b on b.asset_id = a.id
  left join trading_blocks h on h.kind = 'halt' and h.target = a.id
  left join lateral (select -rank as bid from book_orders o
    where o.asset_id = a.id and o.side = 'buy' order by rank limit 1) bids on true
  left join lateral (select rank as ask from book_orders o
    where o.asset_id = a.id and o.side = 'sell' order by rank limit 1) asks on true
  cross join lateral (select
      max(stopped_at) filter (where edge = 'upper') as "stoppedAtUpper",
      max(stopped_at) filter (where edge = 'lower') as "stoppedAtLower"
    from price_band_stops s where s.asset_id = a.id and s.stopped_at >= b.counts_from) stops
  where (a.band_bps is not null or b.asset_id is not null)`;

export async function readBandedAssets(knex: Knex): Promise<BandedAsset[]> {
  const { rows } = await knex.raw<{ rows: BandRow[] }>(BANDED_ASSETS);
  return rows.map(assetOf);
}

/**
 * The same of one asset, under the lock of its bands; undefined when it has none any more, or somebody
 * else is at them.
 */
export async function takeBandedAsset(
  trx: Knex.Transaction,
  id: string,
): Promise<BandedAsset | undefined> {
  const locked = await trx('price_bands').where('asset_id', id).forNoKeyUpdate().skipLocked();
  if (locked.length === 0) return undefined;
  const { rows } = await trx.raw<{ rows: BandRow[] }>(`${BANDED_ASSETS} and a.id = ?`, [id]);
  return rows[0] && assetOf(rows[0]);
}

function assetOf({ blockId, ...row }: BandRow): BandedAsset {
  const { reference, lower, upper, movedAt, countsFrom, ...rest } = row;
  const { afterClose, limitEdge, limitSince, haltId, haltedUntil, ...asset } = rest;
  if (reference === null) return { ...asset, haltId: blockId, state: null };
  const limit = { limitEdge, limitSince, haltId, haltedUntil };
  const band = { reference, lower: lower!, upper: upper! };
  const state = { ...band, movedAt: movedAt!, countsFrom: countsFrom!, afterClose, ...limit };
  return { ...asset, haltId: blockId, state };
}

/** Of a busy asset the latest trades stand for all: what a look costs has a limit. */
const COUNTED_TRADES_MAX = 5_000;

/**
 * The arithmetic mean of an asset's trades of the last five minutes, in 10^-4 USD; null without any.
 * @param from earlier ones do not count
 */
export async function meanOfTrades(
  knex: Knex,
  assetId: string,
  from: Date,
  now: Date,
): Promise<bigint | null> {
  const since = new Date(Math.max(from.getTime(), now.getTime() - REFERENCE_WINDOW_MS));
  const { rows } = await knex.raw<{ rows: { mean: string | null }[] }>(
    `select round(avg(price)) as mean from (
       select price, executed_at from executions
       where asset_id = ? order by seq desc limit ${COUNTED_TRADES_MAX}) latest
     where executed_at >= ?`,
    [assetId, since],
  );
  const { mean } = rows[0]!;
  return mean === null ? null : BigInt(mean);
}

const columnsOf = (state: BandState) => ({
  reference: String(state.reference),
  lower: String(state.lower),
  upper: String(state.upper),
  moved_at: state.movedAt,
  counts_from: state.countsFrom,
  after_close: state.afterClose,
  limit_edge: state.limitEdge,
  limit_since: state.limitSince,
  halt_id: state.haltId,
  halted_until: state.haltedUntil,
});

/** The first bands of an asset; whoever is second changes nothing. */
export async function insertBand(knex: Knex, assetId: string, state: BandState): Promise<void> {
  const row = { asset_id: assetId, ...columnsOf(state) };
  await knex('price_bands').insert(row).onConflict().ignore();
}

export async function writeBand(
  trx: Knex.Transaction,
  assetId: string,
  state: BandState,
): Promise<void> {
  await trx('price_bands').where('asset_id', assetId).update(columnsOf(state));
}

/** The asset has no bands any more. */
export async function deleteBand(trx: Knex.Transaction, assetId: string): Promise<void> {
  await trx('price_bands').where('asset_id', assetId).delete();
  await forgetStops(trx, assetId);
}

export async function forgetStops(trx: Knex.Transaction, assetId: string): Promise<void> {
  await trx('price_band_stops').where('asset_id', assetId).delete();
}

/** Orders that one statement puts into the sequence; the next look goes on. */
const PAGE = 5_000;

/**
 * Puts a cancellation into the sequence for what rests where it may not trade any more, unless one is
 * under way. Accounts are locked as for any cancellation: intake, which adds some under that lock, never
 * meets one of these that it has not seen.
 * @returns shards with new work, one for each order
 */
export async function cancelStranded(
  trx: Knex.Transaction,
  assetId: string,
  { lower, upper }: PriceBand,
): Promise<number[]> {
  const { rows } = await trx.raw<{ rows: { shard: number }[] }>(
    `with stranded as materialized (
       select b.shard, b.order_id, b.account_id from book_orders b
       where b.asset_id = :assetId
         and (b.side = 'buy' and b.rank < -(:upper::bigint) or b.side = 'sell' and b.rank < :lower)
         and not exists (
           select from work_items w where w.order_id = b.order_id and w.kind = 'cancel')
       limit ${PAGE}
     ), locked as materialized (
       select id from accounts where id in (select account_id from stranded)
       order by id for no key update
     )
     insert into work_items (shard, kind, order_id, account_id, created_at, reason)
     select shard, 'cancel', order_id, account_id, clock_timestamp(), '${PRICE_BAND_REASON}'
     from stranded join locked on locked.id = stranded.account_id
     order by order_id
     on conflict do nothing
     returning shard`,
    { assetId, lower: String(lower), upper: String(upper) },
  );
  return rows.map(({ shard }) => shard);
}

/** One asset's bands as they are now. */
export async function readBandsOf(
  knex: Knex,
  assetId: string,
): Promise<Pick<BandedAsset, 'bandBps' | 'state'>> {
  const { rows } = await knex.raw<{ rows: BandRow[] }>(`${BANDED_ASSETS} and a.id = ?`, [assetId]);
  const asset = rows[0] && assetOf(rows[0]);
  return asset && asset.bandBps !== null ? asset : { bandBps: null, state: null };
}

/** The bands in force, by asset id. */
export async function readBands(knex: Knex): Promise<Map<string, PriceBand>> {
  const rows = await knex('price_bands')
    .join('assets', 'assets.id', 'asset_id')
    .whereNotNull('band_bps')
    .select<(PriceBand & { id: string })[]>('assets.id', 'lower', 'upper');
  return new Map(rows.map(({ id, lower, upper }) => [id, { lower, upper }]));
}
