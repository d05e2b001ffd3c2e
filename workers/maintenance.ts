import { Worker, type Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import type { MarketHours } from '../src/domain/clock.js';
import { proveLedger } from '../src/ledger/proof.js';
import type { Logger } from '../src/log.js';
import { jobsInQueue } from '../src/metrics.js';
import { takeSnapshots, thinSnapshots } from '../src/portfolio/snapshots.js';
import type { Nudges } from '../src/queue/nudges.js';
import type { SessionWork } from '../src/orders/session-work.js';
import { MAINTENANCE_QUEUE, workerSettings, type MaintenanceJob } from '../src/queue/queues.js';
import { sweep } from '../src/queue/sweeper.js';

export interface MaintenanceDeps {
  knex: Knex;
  nudges: Nudges;
  log: Logger;
  sessions: SessionWork;
  marketHours: MarketHours;
}

const SCHEDULES: Record<MaintenanceJob, { everyMs: number }> = {
  sweep: { everyMs: 2_000 },
  sessions: { everyMs: 1_000 },
  'ledger-proof': { everyMs: 60_000 },
  purge: { everyMs: 3_600_000 },
  'equity-snapshots': { everyMs: 60_000 },
  'equity-retention': { everyMs: 3_600_000 },
};

/**
 * What is deleted when it is old enough, by the column that tells its age. First answers to an
 * Idempotency-Key are kept at least a day (the wire contract); we keep two.
 */
const KEPT = [
  { table: 'idempotency_keys', column: 'created_at', time: '48 hours' },
  { table: 'request_keys', column: 'created_at', time: '48 hours' },
  { table: 'mails', column: 'delivered_at', time: '30 days' },
  { table: 'execution_passes', column: 'settled_at', time: '30 days' },
] as const;
const PURGE_BATCH = 10_000;

/** Makes sure that the schedules exist; a flushed Redis has forgotten them. */
export async function ensureSchedules(queue: Queue): Promise<void> {
  for (const [name, { everyMs }] of Object.entries(SCHEDULES)) {
    if (await queue.getJobScheduler(name)) continue;
    await queue.upsertJobScheduler(name, { every: everyMs }, { name });
  }
}

const COUNTED_STATES = ['waiting', 'active', 'delayed', 'failed'] as const;

/** Keeps the gauge of how many jobs each queue has, by state. */
export async function measureQueues(queues: readonly Queue[]): Promise<void> {
  const counts = await Promise.all(queues.map((queue) => queue.getJobCounts(...COUNTED_STATES)));
  counts.forEach((count, index) => {
    const queue = queues[index]!.name;
    for (const state of COUNTED_STATES) jobsInQueue.set({ queue, state }, count[state] ?? 0);
  });
}

/** Deletes some of a table's rows that are old enough. @returns how many */
async function purge(knex: Knex, { table, column, time }: (typeof KEPT)[number]): Promise<number> {
  const { rowCount } = await knex.raw<{ rowCount: number }>(
    `delete from ${table} where ctid = any(array(
       select ctid from ${table} where ${column} < now() - interval '${time}'
       limit ${PURGE_BATCH}))`,
  );
  return rowCount;
}

/** Runs the scheduled upkeep: sweeper, sessions, ledger proof, equity, the purge of what is old. */
export const startMaintenanceWorker = (connection: Redis, deps: MaintenanceDeps): Worker =>
  new Worker(
    MAINTENANCE_QUEUE,
    (job) => maintain(job.name as MaintenanceJob, deps),
    // One of each kind at a time: a long proof must not keep the sweeper waiting.
    {
      ...workerSettings(MAINTENANCE_QUEUE, connection),
      concurrency: Object.keys(SCHEDULES).length,
    },
  );

/** @throws Error for a job name that this version does not know */
export async function maintain(
  name: MaintenanceJob,
  { knex, nudges, log, sessions, marketHours }: MaintenanceDeps,
): Promise<void> {
  switch (name) {
    case 'sweep': {
      const shards = await sweep(knex, nudges);
      if (shards.length > 0) log.warn('swept overdue work', { shards });
      return;
    }
    case 'sessions': {
      const shards = await sessions.run(new Date());
      if (shards.length > 0) nudges.shards(shards);
      return;
    }
    case 'ledger-proof': {
      const { balanced, mismatchedBalances } = await proveLedger(knex);
      if (!balanced) log.error('the ledger does not balance', { mismatchedBalances });
      return;
    }
    case 'purge':
      for (const old of KEPT) while ((await purge(knex, old)) > 0);
      return;
    case 'equity-snapshots':
      await takeSnapshots(knex, new Date());
      return;
    case 'equity-retention':
      await thinSnapshots(knex, new Date(), marketHours);
      return;
    default:
      throw new Error(`unknown maintenance job ${String(name satisfies never)}`);
  }
}
