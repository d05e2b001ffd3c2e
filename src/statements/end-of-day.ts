import type { Knex } from 'knex';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TradingDay } from '../domain/calendar.js';
import type { MarketHours } from '../domain/clock.js';
import { dateText } from '../http/calendar-date.js';
import type { Logger } from '../log.js';
import { lastEndOfDay, missedEndsOfDay } from '../metrics.js';
import { fixClosingPrices } from './closing-prices.js';
import { findDueDays } from './due-days.js';
import { writeStatements } from './write-statements.js';

export interface EndOfDayDeps {
  readonly knex: Knex;
  readonly log: Logger;
  readonly marketHours: MarketHours;
}

/** Of one run: the next one goes on where it ended. */
const DAYS_MAX = 31;
const RUN_MAX_MS = 50_000;

/**
 * Ends the trading days that have closed: a statement for every account, in order of days, from the
 * first account on. Everything is computed as of the close from what was booked before it and from
 * the statements of the day before, so a day that was missed gets the figures that it would have got
 * in time. May be killed anywhere and run any number of times, also at once: a statement is written
 * once, and told with it; only for that accounts are locked, a batch at a time.
 * @returns the days that are complete now and were not before
 */
export async function runEndOfDay(
  { knex, log, marketHours }: EndOfDayDeps,
  now: Date,
): Promise<Date[]> {
  const { lastClose, days } = await findDueDays(knex, marketHours, now);
  if (lastClose) lastEndOfDay.set(lastClose.getTime() / 1_000);
  missedEndsOfDay.set(days.length);
  if (days.length === 0) return [];
  if (!(await allBookedSoFar(knex))) {
    log.info('the end of day waits for a transaction that does not end');
    return [];
  }
  if (days.length > 1) {
    log.warn('ends of day were missed', { days: days.length, first: dateText(days[0]!.day) });
  }
  const deadline = performance.now() + RUN_MAX_MS;
  const completed: Date[] = [];
  let before = lastClose;
  for (const day of days.slice(0, DAYS_MAX)) {
    if (!(await endDay({ knex, log }, day, before, deadline))) break;
    completed.push(day.day);
    before = day.close;
    lastEndOfDay.set(day.close.getTime() / 1_000);
    missedEndsOfDay.set(days.length - completed.length);
  }
  return completed;
}

/** @returns false when time was up before the day was complete */
async function endDay(
  { knex, log }: Pick<EndOfDayDeps, 'knex' | 'log'>,
  day: TradingDay,
  lastClose: Date | null,
  deadline: number,
): Promise<boolean> {
  const startedAt = performance.now();
  const prices = await fixClosingPrices(knex, day, lastClose);
  const { written, isComplete } = await writeStatements(knex, day, prices, deadline);
  const result = {
    day: dateText(day.day),
    closes_at: day.close.toISOString(),
    statements: written,
    duration_ms: Math.round(performance.now() - startedAt),
  };
  if (!isComplete) {
    log.info('the end of day goes on with the next run', result);
    return false;
  }
  await completeDay(knex, day);
  log.info('the end of day is complete', result);
  return true;
}

/** The sums are for whoever compares days, or the ledger as of a close. */
async function completeDay(knex: Knex, { day, close }: TradingDay): Promise<void> {
  await knex.raw(
    `insert into ends_of_day (day, closes_at, accounts, cash, position_value, completed_at)
     select :day, :close, count(*), coalesce(sum(closing_cash), 0),
       coalesce(sum(position_value), 0), :now
     from statements where day = :day
     on conflict do nothing`,
    { day: dateText(day), close, now: new Date() },
  );
}

const WAIT_MAX_MS = 5_000;
const LOOK_EVERY_MS = 100;

/**
 * Waits until every transaction that writes at this moment has ended, without waiting on any lock:
 * what was booked before the close is visible then. What begins later bears a later time.
 * @returns false when one of them took too long
 */
async function allBookedSoFar(knex: Knex): Promise<boolean> {
  // An id of our own is above that of every transaction that has written anything.
  const ours = await readXid(knex, 'pg_current_xact_id()');
  const deadline = performance.now() + WAIT_MAX_MS;
  while ((await readXid(knex, 'pg_snapshot_xmin(pg_current_snapshot())')) <= ours) {
    if (performance.now() > deadline) return false;
    await sleep(LOOK_EVERY_MS);
  }
  return true;
}

async function readXid(knex: Knex, expression: string): Promise<bigint> {
  const { rows } = await knex.raw<{ rows: { xid: bigint }[] }>(
    `select ${expression}::text::bigint as xid`,
  );
  return rows[0]!.xid;
}
