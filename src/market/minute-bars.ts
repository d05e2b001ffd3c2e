import type { Knex } from 'knex';
import type { TapeAdvance, TapeBar } from './tape.js';

const MINUTE_MS = 60_000;
/** Trades become visible a moment after their time: a minute is told when it is over for so long. */
const GRACE_MS = 1_000;

/** A bar that clients are told: of a minute, of one that was told already, of a day so far. */
export interface DueBar {
  readonly kind: 'b' | 'u' | 'd';
  readonly bar: TapeBar;
}

/** Decides when bars are told: once a minute, and again what changes after that. */
export class MinuteBars {
  /** The end of the minute that was told last. */
  private toldUntil: number | undefined;

  /** @param tape what was added up in this round */
  async due(knex: Knex, tape: TapeAdvance, asOf: Date): Promise<DueBar[]> {
    const over = Math.floor((asOf.getTime() - GRACE_MS) / MINUTE_MS) * MINUTE_MS;
    this.toldUntil ??= over;
    const told = this.toldUntil;
    const corrected = tape.bars
      .filter(({ timeframe, startsAt }) => timeframe === '1Min' && startsAt.getTime() < told)
      .map((bar): DueBar => ({ kind: 'u', bar }));
    if (over === told || tape.hasMore) return corrected;
    this.toldUntil = over;
    return [...corrected, ...(await readMinute(knex, new Date(told), new Date(over)))];
  }
}

/** The bars of the minutes from one time to another, and those of their days. */
async function readMinute(knex: Knex, from: Date, until: Date): Promise<DueBar[]> {
  const { rows } = await knex.raw<{ rows: (TapeBar & { kind: 'b' | 'd' })[] }>(
    `with minutes as (
       select m.* from assets a cross join lateral (
         select * from market_bars b where b.asset_id = a.id and b.timeframe = '1Min'
           and b.starts_at >= :from and b.starts_at < :until) m)
     select told.asset_id as "assetId", told.timeframe, told.starts_at as "startsAt", told.open,
       told.high, told.low, told.close, told.volume, told.value, told.trades, told.kind
     from (
       select 'b' as kind, m.* from minutes m
       union all
       select 'd', d.* from (select distinct asset_id from minutes) traded
       cross join lateral (
         select * from market_bars b where b.asset_id = traded.asset_id and b.timeframe = '1Day'
         order by starts_at desc limit 1) d) told
     order by told.kind, told.asset_id, told.starts_at`,
    { from, until },
  );
  return rows.map(({ kind, ...bar }) => ({ kind, bar }));
}
