import type { Knex } from 'knex';
import {
  deadNotifications,
  oldestNotification,
  oldestWaitingWork,
  waitingNotifications,
  waitingWork,
} from '../metrics.js';
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

/** Since when notifications wait, by the database's clock; null for nothing. */
interface WaitingNotifications {
  now: Date;
  /** The oldest fact that is no message yet. */
  fact: Date | null;
  /** The oldest fact of which a mail is to be sent. */
  mail: Date | null;
  /** When the mail that is due first is due. */
  mailDue: Date | null;
  deadMails: number;
  facts: number;
  mails: number;
}

/** Counted no further: what a gauge needs to say then is only that it is many. */
const WAITING_MAX = 10_000;

const countWaiting = (rows: string): string =>
  `(select count(*) from (select from ${rows} limit ${WAITING_MAX}) as waiting)`;

const READ_NOTIFICATIONS = `
  select clock_timestamp() as now,
    (select min(due_at) from notifications
      where delivered_at is null and due_at < 'infinity') as fact,
    least((select min(happened_at) from message_deliveries
      where channel = 'email' and delivered_at is null and dead_at is null),
      (select min(created_at) from mails
        where delivered_at is null and due_at < 'infinity')) as mail,
    least((select min(due_at) from message_deliveries
      where channel = 'email' and delivered_at is null and dead_at is null),
      (select min(due_at) from mails
        where delivered_at is null and due_at < 'infinity')) as "mailDue",
    ((select count(*) from message_deliveries where channel = 'email' and dead_at is not null)
      + (select count(*) from mails where dead_at is not null))::int as "deadMails",
    ${countWaiting(`notifications where delivered_at is null and due_at < 'infinity'`)}::int as facts,
    (${countWaiting(`message_deliveries
      where channel = 'email' and delivered_at is null and dead_at is null`)}
      + ${countWaiting(`mails where delivered_at is null and due_at < 'infinity'`)})::int as mails`;

/** Rings again for facts and mails that wait too long, each channel for itself. Keeps the gauges. */
async function sweepNotifications(knex: Knex, nudges: Nudges): Promise<void> {
  const { rows } = await knex.raw<{ rows: WaitingNotifications[] }>(READ_NOTIFICATIONS);
  const { now, fact, mail, mailDue, deadMails, facts, mails } = rows[0]!;
  const ageMs = (time: Date | null): number =>
    time === null ? 0 : Math.max(0, now.getTime() - time.getTime());
  oldestNotification.set({ channel: 'in_app' }, ageMs(fact) / 1_000);
  oldestNotification.set({ channel: 'email' }, Math.max(ageMs(mail), ageMs(fact)) / 1_000);
  deadNotifications.set({ channel: 'email' }, deadMails);
  waitingNotifications.set({ channel: 'in_app' }, facts);
  waitingNotifications.set({ channel: 'email' }, mails);
  if (ageMs(fact) > OVERDUE_MS) nudges.notifications();
  if (ageMs(mailDue) > OVERDUE_MS) nudges.mails();
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
  await sweepNotifications(knex, nudges);
  return overdue;
}
