import type { Knex } from 'knex';

const DAY_MS = 86_400_000;
/** Short transactions: the tape writes to the same table. */
const BATCH = 5_000;

/**
 * Of every asset the earliest first, so that the minutes that are left have no gap: whoever reads them
 * meanwhile only sees them begin later. An asset's latest minute stays however old it is, for the
 * latest bar is asked for by symbol, not by time. By asset, because the index begins with it.
 */
const DELETE_OLD = `
  delete from market_bars where ctid = any(array(
    select old.ctid from assets a
    cross join lateral (
      select max(starts_at) as latest from market_bars b
      where b.asset_id = a.id and b.timeframe = '1Min') own
    cross join lateral (
      select b.ctid from market_bars b
      where b.asset_id = a.id and b.timeframe = '1Min'
        and b.starts_at < least(:before::timestamptz, own.latest)
      order by b.starts_at limit ${BATCH}) old
    limit ${BATCH}))`;

/**
 * Deletes the bars of minutes that began more than so many days before today (UTC): they are most of
 * all bars, and hours, days and the trades themselves stay. Safe to run any number of times, at once.
 * @param keptDays at least 1
 * @returns how many were deleted
 */
export async function deleteOldMinutes(knex: Knex, now: Date, keptDays: number): Promise<number> {
  const today = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  const before = new Date(today - keptDays * DAY_MS);
  for (let deleted = 0; ;) {
    const { rowCount } = await knex.raw<{ rowCount: number }>(DELETE_OLD, { before });
    if (rowCount === 0) return deleted;
    deleted += rowCount;
  }
}
