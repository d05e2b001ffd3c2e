import type { Knex } from 'knex';
import type { MarketHours } from '../domain/clock.js';
import type { Bar } from './bars-model.js';
import { dayZone, type AssetClass } from './market-days.js';

/** The spans of time whose bars are kept; all others are added up from them. */
export type KeptTimeframe = '1Min' | '1Hour' | '1Day';

/** A kept bar as it is after the round. */
export interface TapeBar extends Bar {
  readonly assetId: string;
  readonly timeframe: KeptTimeframe;
}

export interface TapeAdvance {
  /** How many trades were added up. */
  readonly trades: number;
  /** The bars that they went into. */
  readonly bars: TapeBar[];
  /** True when more may be waiting than one round takes. */
  readonly hasMore: boolean;
}

/** So many trades of an asset are added up in one round: its transaction stays short however much
 * there is to catch up with. */
const PER_ASSET = 2_000;
const NOTHING: TapeAdvance = { trades: 0, bars: [], hasMore: false };

interface Cursor {
  readonly assetId: string;
  readonly class: AssetClass;
  readonly lastSeq: bigint;
}

/** Of one asset, the trades after one number up to another. */
interface Stretch extends Cursor {
  readonly upTo: bigint;
  readonly trades: bigint;
}

/**
 * Adds the trades that nobody has added up yet to the bars, and moves the assets' cursors on, in one
 * transaction: whatever ends it midway, each trade counts once. Of two at once each does the assets
 * whose cursors it finds unlocked.
 */
export async function advanceTape(
  knex: Knex,
  marketHours: MarketHours,
  perAsset: number = PER_ASSET,
): Promise<TapeAdvance> {
  const waiting = await assetsWithNewTrades(knex);
  if (waiting.length === 0) return NOTHING; // the usual case: nothing is locked or written
  return knex.transaction(async (trx) => {
    const cursors = await takeCursors(trx, waiting);
    const stretches = await newTrades(trx, cursors, perAsset);
    if (stretches.length === 0) return NOTHING;
    const bars = await addToBars(trx, stretches, perAsset, marketHours);
    await moveCursors(trx, stretches);
    const counts = stretches.map(({ trades }) => Number(trades));
    return {
      trades: counts.reduce((sum, count) => sum + count, 0),
      bars,
      hasMore: counts.some((count) => count >= perAsset),
    };
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

/** Of each asset the next trades, so that nothing in between is left out. */
async function newTrades(
  trx: Knex.Transaction,
  cursors: readonly Cursor[],
  perAsset: number,
): Promise<Stretch[]> {
  const { rows } = await trx.raw<{ rows: Pick<Stretch, 'assetId' | 'upTo' | 'trades'>[] }>(
    `select c.asset_id as "assetId", max(e.seq) as "upTo", count(*) as trades
     from unnest(:assetIds::uuid[], :lastSeqs::bigint[]) as c (asset_id, last_seq)
     cross join lateral (
       select e.seq from executions e where e.asset_id = c.asset_id and e.seq > c.last_seq
       order by e.seq limit :perAsset) e
     group by 1`,
    {
      perAsset,
      assetIds: cursors.map(({ assetId }) => assetId),
      lastSeqs: cursors.map(({ lastSeq }) => String(lastSeq)),
    },
  );
  const byAsset = new Map(cursors.map((cursor) => [cursor.assetId, cursor]));
  return rows.map((row) => ({ ...byAsset.get(row.assetId)!, ...row }));
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
