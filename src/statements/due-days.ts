import type { Knex } from 'knex';
import { marketDay, tradingDays, type TradingDay } from '../domain/calendar.js';
import type { MarketHours } from '../domain/clock.js';

/**
 * How long after a close its statements are begun: what is booked bears the time of the machine that
 * books it, and two machines' clocks may differ by less than this.
 */
export const GRACE_MS = 60_000;
const DAY_MS = 86_400_000;

interface LastDay {
  /** Midnight UTC of its date. */
  day: Date;
  closesAt: Date;
}

/** The last day that is complete. */
async function findLastDay(knex: Knex): Promise<LastDay | undefined> {
  const row = await knex('ends_of_day')
    .orderBy('day', 'desc')
    .first<{ day: string; closesAt: Date } | undefined>(
      knex.raw('day::text'),
      'closes_at as closesAt',
    );
  return row && { day: new Date(`${row.day}T00:00:00Z`), closesAt: row.closesAt };
}

async function firstAccountAt(knex: Knex): Promise<Date | null> {
  const row = await knex('accounts')
    .where({ kind: 'client' })
    .min('created_at as at')
    .first<{ at: Date | null }>();
  return row.at;
}

export interface DueDays {
  /** The close of the last complete day; null before the first. */
  readonly lastClose: Date | null;
  /** Those that have closed and are not complete, oldest first. */
  readonly days: readonly TradingDay[];
}

/** The trading days since the first account was opened of which statements are missing. */
export async function findDueDays(knex: Knex, hours: MarketHours, now: Date): Promise<DueDays> {
  const last = await findLastDay(knex);
  const since = last?.closesAt ?? (await firstAccountAt(knex));
  if (!since) return { lastClose: null, days: [] };
  const first = last ? new Date(last.day.getTime() + DAY_MS) : marketDay(since, hours);
  const days = tradingDays(first, marketDay(now, hours), hours).filter(
    ({ close }) => close > since && close.getTime() + GRACE_MS <= now.getTime(),
  );
  return { lastClose: last?.closesAt ?? null, days };
}
