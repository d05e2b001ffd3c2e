import type { Knex } from 'knex';
import { PRICE, positionValue } from '../accounts/position-model.js';
import { marketDay, tradingDays } from '../domain/calendar.js';
import type { MarketHours } from '../domain/clock.js';

const DAY_MS = 86_400_000;
const MINUTES_KEPT_DAYS = 7;
const QUARTERS_KEPT_DAYS = 30;
/** How far back old rows are looked for again, for a time in which nobody did. */
const LOOK_BACK_DAYS = 10;
/** No market is closed for longer. */
const CLOSED_DAYS_MAX = 10;
const BATCH = 10_000;

/** One statement for all accounts: those that are worth the same as in their last row get none. */
const TAKE = `
  insert into equity_snapshots (account_id, taken_at, equity)
  select a.id, :now, a.cash + coalesce(worth.value, 0)
  from accounts a
  left join (
    select p.account_id, sum(${positionValue(PRICE)})::bigint as value
    from positions p join market_prices m on m.asset_id = p.asset_id
    where p.qty <> 0
    group by p.account_id
  ) as worth on worth.account_id = a.id
  left join lateral (
    select s.equity from equity_snapshots s
    where s.account_id = a.id order by s.taken_at desc limit 1
  ) as last on true
  where a.kind = 'client' and last.equity is distinct from a.cash + coalesce(worth.value, 0)
  on conflict do nothing`;

/** Records what each client's account is worth now. @returns how many have changed */
export async function takeSnapshots(knex: Knex, now: Date): Promise<number> {
  const { rowCount } = await knex.raw<{ rowCount: number }>(TAKE, { now });
  return rowCount;
}

/**
 * A row counts until the next, so the last one of an interval tells what was worth what at its end:
 * the others go. :intervalEnd is when the interval of a row `s` ends; at that moment included.
 */
const thin = (intervalEnd: string): string => `
  delete from equity_snapshots where ctid = any(array(
    select s.ctid from equity_snapshots s
    where s.taken_at >= :from and s.taken_at < :to and exists (
      select from equity_snapshots later
      where later.account_id = s.account_id and later.taken_at > s.taken_at
        and later.taken_at <= ${intervalEnd})
    limit ${BATCH}))`;

const THIN_TO_QUARTERS = thin(
  `date_bin('15 minutes', s.taken_at - interval '1 microsecond', timestamptz '2000-01-01 00:00Z')
   + interval '15 minutes'`,
);
const THIN_TO_CLOSES = thin(
  `(select min(c) from unnest(:closes::timestamptz[]) c where c >= s.taken_at)`,
);

/**
 * Thins out what is old: of each quarter of an hour one row after 7 days, of each trading day the one
 * at its close after 30. Safe to run any number of times.
 * @returns how many rows were deleted
 */
export async function thinSnapshots(knex: Knex, now: Date, hours: MarketHours): Promise<number> {
  const quarters = await thinOut(knex, THIN_TO_QUARTERS, rangeUntil(now, MINUTES_KEPT_DAYS));
  const old = rangeUntil(now, QUARTERS_KEPT_DAYS);
  const days = tradingDays(
    marketDay(old.from, hours),
    marketDay(daysAfter(old.to, CLOSED_DAYS_MAX), hours),
    hours,
  );
  const closes = days.map(({ close }) => close);
  return quarters + (await thinOut(knex, THIN_TO_CLOSES, { ...old, closes }));
}

const daysAfter = (time: Date, days: number): Date => new Date(time.getTime() + days * DAY_MS);

function rangeUntil(now: Date, ageDays: number): { from: Date; to: Date } {
  const to = daysAfter(now, -ageDays);
  return { from: daysAfter(to, -LOOK_BACK_DAYS), to };
}

async function thinOut(
  knex: Knex,
  statement: string,
  bindings: { from: Date; to: Date; closes?: Date[] },
): Promise<number> {
  for (let deleted = 0; ;) {
    const { rowCount } = await knex.raw<{ rowCount: number }>(statement, { ...bindings });
    if (rowCount === 0) return deleted;
    deleted += rowCount;
  }
}
