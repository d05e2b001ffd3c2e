import type { Knex } from 'knex';
import { oldestNotification, oldestWaitingWork, waitingWork } from '../metrics.js';
import type { Nudges } from './nudges.js';

/** Work that has waited longer is nudged again. */
export const OVERDUE_MS = 2_000;

interface Waiting {
  shard: number;
  items: bigint;
  oldestMs: number;
}

/** The work list by shard: how much waits, and since when. Keeps the gauges. */
export async function readWaitingWork(knex: Knex): Promise<Waiting[]> {
  const { rows } = await knex.raw<{ rows: Waiting[] }>(`
    select shard, count(*) as items,
      (extract(epoch from clock_timestamp() - min(created_at)) * 1000)::float8 as "oldestMs"
    from work_items group by shard`);
  oldestWaitingWork.set(Math.max(0, ...rows.map((row) => row.oldestMs)) / 1_000);
  waitingWork.set(rows.reduce((sum, { items }) => sum + Number(items), 0));
  return rows;
}

/** Age of the oldest notification or mail that is due, in milliseconds; 0 when there is none. */
async function readOldestNotificationMs(knex: Knex): Promise<number> {
  const { rows } = await knex.raw<{ rows: { ageMs: number | null }[] }>(`
    select (extract(epoch from clock_timestamp() - min(due_at)) * 1000)::float8 as "ageMs"
    from (
      select due_at from notifications
      where delivered_at is null and due_at <= clock_timestamp()
      union all
      select due_at from mails where delivered_at is null and due_at <= clock_timestamp()
    ) as due`);
  return rows[0]?.ageMs ?? 0;
}

/**
 * Rings again for everything that waits too long: nudges that got lost with Redis, workers that
 * died.
 * @returns the shards that were nudged
 */
export async function sweep(knex: Knex, nudges: Nudges): Promise<number[]> {
  const waiting = await readWaitingWork(knex);
  const overdue = waiting.filter((row) => row.oldestMs > OVERDUE_MS).map(({ shard }) => shard);
  await Promise.all(overdue.map((shard) => nudges.sweep(shard)));
  const notificationMs = await readOldestNotificationMs(knex);
  oldestNotification.set(notificationMs / 1_000);
  if (notificationMs > OVERDUE_MS) nudges.notifications();
  return overdue;
}
