import type { Knex } from 'knex';
import type { MarketHours } from '../domain/clock.js';
import type { Bar } from './bars-model.js';
import { dayZone, type AssetClass } from './market-days.js';

/** A trade as the market sees it: nobody learns who traded. Price in 10^-4 USD, qty in 10^-9. */
export interface TapeTrade {
  readonly seq: bigint;
  readonly executionId: string;
  readonly assetId: string;
  readonly price: bigint;
  readonly qty: bigint;
  readonly takerSide: 'buy' | 'sell';
  readonly executedAt: Date;
}

/** The spans of time whose bars are kept; all others are added up from them. */
export type KeptTimeframe = '1Min' | '1Hour' | '1Day';

/** A kept bar as it is after the round. */
export interface TapeBar extends Bar {
  readonly assetId: string;
  readonly timeframe: KeptTimeframe;
}

export interface TapeAdvance {
  /** The trades that no advance has returned before, by their numbers. */
  readonly trades: TapeTrade[];
  /** The bars that they went into. */
  readonly bars: TapeBar[];
  /** True when more may be waiting than one round takes. */
  readonly hasMore: boolean;
}

/** What one round takes: its transaction stays short however much there is to catch up with. */
export interface RoundLimits {
  readonly trades: number;
  readonly perAsset: number;
}

const ROUND: RoundLimits = { trades: 5_000, perAsset: 1_000 };
const NOTHING: TapeAdvance = { trades: [], bars: [], hasMore: false };

interface Cursor {
  readonly assetId: string;
  readonly class: AssetClass;
  readonly lastSeq: bigint;
}

/** Of one asset, the trades after one number up to another. */
interface Stretch extends Cursor {
  readonly upTo: bigint;
}

/**
 * Adds the trades that nobody has added up yet to the bars, and moves the assets' cursors on, in one
 * transaction: whatever ends it midway, each trade counts once. Of two at once each does the assets
 * whose cursors it finds unlocked.
 */
export async function advanceTape(
  knex: Knex,
  marketHours: MarketHours,
  limits: RoundLimits = ROUND,
): Promise<TapeAdvance> {
  const waiting = await assetsWithNewTrades(knex);
  if (waiting.length === 0) return NOTHING; // the usual case: nothing is locked or written
  return knex.transaction(async (trx) => {
    const cursors = await takeCursors(trx, waiting);
    const trades = await newTrades(trx, cursors, limits);
    if (trades.length === 0) return NOTHING;
    const stretches = stretchesOf(cursors, trades);
    const bars = await addToBars(trx, stretches, limits.perAsset, marketHours);
    await moveCursors(trx, stretches);
    return { trades, bars, hasMore: isFull(trades, limits) };
  });
}

async function assetsWithNewTrades(knex: Knex): Promise<string[]> {
  const { rows } = await knex.raw<{ rows: { id: string }[] }>(
    `select a.id from assets a left join market_tape t on t.asset_id = a.id
     where (select e.seq from executions e where e.asset_id = a.id order by e.seq desc limit 1)
       > coalesce(t.last_seq, 0)`,
  );
  return rows.map(({ id }) => id);
}

/** Locks the cursors that nobody else has; an asset's first trade begins one. */
async function takeCursors(trx: Knex.Transaction, assetIds: string[]): Promise<Cursor[]> {
  await trx.raw(
    `insert into market_tape (asset_id, last_seq)
     select a.id, 0 from assets a where a.id = any(:assetIds::uuid[])
       and not exists (select from market_tape t where t.asset_id = a.id)
     order by a.id
     on conflict do nothing`,
    { assetIds },
  );
  const { rows } = await trx.raw<{ rows: Cursor[] }>(
    `select t.asset_id as "assetId", a.class, t.last_seq as "lastSeq"
     from market_tape t join assets a on a.id = t.asset_id
     where t.asset_id = any(:assetIds::uuid[])
     order by t.asset_id
     for no key update of t skip locked`,
    { assetIds },
  );
  return rows;
}

/** The lowest numbers of all, so that of each asset nothing in between is left out. */
async function newTrades(
  trx: Knex.Transaction,
  cursors: readonly Cursor[],
  limits: RoundLimits,
): Promise<TapeTrade[]> {
  const { rows } = await trx.raw<{ rows: TapeTrade[] }>(
    `select e.seq, e.id as "executionId", e.asset_id as "assetId", e.price, e.qty,
       e.taker_side as "takerSide", e.executed_at as "executedAt"
     from unnest(:assetIds::uuid[], :lastSeqs::bigint[]) as c (asset_id, last_seq)
     cross join lateral (
       select * from executions e where e.asset_id = c.asset_id and e.seq > c.last_seq
       order by e.seq limit :perAsset) e
     order by e.seq limit :trades`,
    {
      ...limits,
      assetIds: cursors.map(({ assetId }) => assetId),
      lastSeqs: cursors.map(({ lastSeq }) => String(lastSeq)),
    },
  );
  return rows;
}

function stretchesOf(cursors: readonly Cursor[], trades: readonly TapeTrade[]): Stretch[] {
  const upTo = new Map(trades.map(({ assetId, seq }) => [assetId, seq])); // the last one stays
  return cursors
    .filter(({ assetId }) => upTo.has(assetId))
    .map((cursor) => ({ ...cursor, upTo: upTo.get(cursor.assetId)! }));
}

/**
 * Later trades have higher numbers: the open stays, the close is the new one. A bar that was made up
 * gives way. A volume that no bigint holds stays at the most: it must not stop the tape for ever.
 */
async function addToBars(
  trx: Knex.Transaction,
  stretches: readonly Stretch[],
  most: number,
  marketHours: MarketHours,
): Promise<TapeBar[]> {
  const { rows } = await trx.raw<{ rows: TapeBar[] }>(
    `insert into market_bars as kept (asset_id, timeframe, starts_at, open, high, low, close, volume,
       value, trades, first_seq, last_seq)
     select e.asset_id, span.timeframe, span.starts_at,
       (array_agg(e.price order by e.seq))[1], max(e.price), min(e.price),
       (array_agg(e.price order by e.seq desc))[1],
       least(sum(e.qty), ${BIGINT_MAX}), least(sum(e.value), ${BIGINT_MAX}), count(*),
       min(e.seq), max(e.seq)
     from unnest(:assetIds::uuid[], :zones::text[], :after::bigint[], :upTo::bigint[])
       as s (asset_id, zone, after_seq, up_to)
     cross join lateral ( -- with a limit, so that it is by the index however many trades there are
       select * from executions e
       where e.asset_id = s.asset_id and e.seq > s.after_seq and e.seq <= s.up_to
       order by e.seq limit :most) e
     cross join lateral (values
       ('1Min', date_trunc('minute', e.executed_at, 'UTC')),
       ('1Hour', date_trunc('hour', e.executed_at, 'UTC')),
       ('1Day', date_trunc('day', e.executed_at, s.zone))) as span (timeframe, starts_at)
     group by 1, 2, 3
     order by 1, 2, 3
     on conflict (asset_id, timeframe, starts_at) do update set
       (open, high, low, close, volume, value, trades, first_seq, last_seq) = (
         select
           case when made_up then excluded.open else kept.open end,
           greatest(excluded.high, case when not made_up then kept.high end),
           least(excluded.low, case when not made_up then kept.low end),
           excluded.close,
           least(excluded.volume + case when made_up then 0 else kept.volume::numeric end,
             ${BIGINT_MAX}),
           least(excluded.value + case when made_up then 0 else kept.value::numeric end,
             ${BIGINT_MAX}),
           excluded.trades + case when made_up then 0 else kept.trades end,
           coalesce(kept.first_seq, excluded.first_seq),
           excluded.last_seq
         from (select kept.first_seq is null as made_up) as was)
     returning asset_id as "assetId", timeframe, starts_at as "startsAt", open, high, low, close,
       volume, value, trades`,
    {
      assetIds: stretches.map(({ assetId }) => assetId),
      zones: stretches.map((stretch) => dayZone(stretch.class, marketHours)),
      after: stretches.map(({ lastSeq }) => String(lastSeq)),
      upTo: stretches.map(({ upTo }) => String(upTo)),
      most,
    },
  );
  return rows;
}

const BIGINT_MAX = String(2n ** 63n - 1n);

async function moveCursors(trx: Knex.Transaction, stretches: readonly Stretch[]): Promise<void> {
  await trx.raw(
    `update market_tape t set last_seq = s.up_to
     from unnest(:assetIds::uuid[], :upTo::bigint[]) as s (asset_id, up_to)
     where t.asset_id = s.asset_id`,
    {
      assetIds: stretches.map(({ assetId }) => assetId),
      upTo: stretches.map(({ upTo }) => String(upTo)),
    },
  );
}

function isFull(trades: readonly TapeTrade[], limits: RoundLimits): boolean {
  if (trades.length >= limits.trades) return true;
  const counts = new Map<string, number>();
  for (const { assetId } of trades) counts.set(assetId, (counts.get(assetId) ?? 0) + 1);
  return [...counts.values()].some((count) => count >= limits.perAsset);
}
