import { Worker, type Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { expireApprovals } from '../src/approvals/expire.js';
import { expireSignUps, remindSignUps, type SignUpJobDeps } from '../src/clients/sign-up-jobs.js';
import type { AuditWatch } from '../src/audit/watch.js';
import type { MarketHours } from '../src/domain/clock.js';
import type { Thresholds } from '../src/domain/surveillance.js';
import { runScheduledProof } from '../src/ledger/scheduled-proof.js';
import type { Logger } from '../src/log.js';
import { jobsInQueue } from '../src/metrics.js';
import { takeSnapshots, thinSnapshots } from '../src/portfolio/snapshots.js';
import type { Nudges } from '../src/queue/nudges.js';
import type { SessionWork } from '../src/orders/session-work.js';
import { MAINTENANCE_QUEUE, workerSettings, type MaintenanceJob } from '../src/queue/queues.js';
import { surveil } from '../src/surveillance/surveil.js';
import { sweep } from '../src/queue/sweeper.js';
import { runEndOfDay } from '../src/statements/end-of-day.js';

export interface MaintenanceDeps {
  knex: Knex;
  nudges: Nudges;
  log: Logger;
  sessions: SessionWork;
  marketHours: MarketHours;
  signUps: SignUpJobDeps;
  /** Of market surveillance. */
  thresholds: Thresholds;
}

const SCHEDULES: Record<MaintenanceJob, { everyMs: number }> = {
  sweep: { everyMs: 2_000 },
  sessions: { everyMs: 1_000 },
  'ledger-proof': { everyMs: 60_000 },
  purge: { everyMs: 3_600_000 },
  'equity-snapshots': { everyMs: 60_000 },
  'equity-retention': { everyMs: 3_600_000 },
  'end-of-day': { everyMs: 60_000 },
  'approvals-expiry': { everyMs: 60_000 },
  'sign-ups': { everyMs: 600_000 },
  'audit-anchor': { everyMs: 2_000 },
  'audit-verify': { everyMs: 600_000 },
  surveillance: { everyMs: 30_000 },
};

/**
 * What is deleted when it is old enough. First answers to an Idempotency-Key are kept at least a day
 * (the wire contract); we keep two. A refresh token that was spent is kept until it would have expired:
 * somebody may come with a copy.
 */
const PURGED = [
  { table: 'idempotency_keys', where: `created_at < now() - interval '48 hours'` },
  { table: 'request_keys', where: `created_at < now() - interval '48 hours'` },
  { table: 'mails', where: `delivered_at < now() - interval '30 days'` },
  { table: 'execution_passes', where: `settled_at < now() - interval '30 days'` },
  { table: 'refresh_tokens', where: 'expires_at < now()' },
  { table: 'mfa_challenges', where: `expires_at < now() - interval '1 day'` },
  { table: 'one_time_codes', where: `expires_at < now() - interval '7 days'` },
  { table: 'attempt_limits', where: 'expire < extract(epoch from now()) * 1000' },
  { table: 'sessions', where: `expires_at < now() - interval '90 days'` },
  { table: 'surveillance_volumes', where: `day < now() - interval '30 days'` },
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
async function purge(knex: Knex, { table, where }: (typeof PURGED)[number]): Promise<number> {
  const { rowCount } = await knex.raw<{ rowCount: number }>(
    `delete from ${table} where ctid = any(array(
       select ctid from ${table} where ${where} limit ${PURGE_BATCH}))`,
  );
  return rowCount;
}

/**
 * Runs the scheduled upkeep: sweeper, sessions, ledger proof, equity, end of day, sign-ups, the audit
 * log, the purge of what is old.
 */
export const startMaintenanceWorker = (
  connection: Redis,
  { audit, ...deps }: MaintenanceDeps & { audit: AuditWatch },
): Worker =>
  new Worker(
    MAINTENANCE_QUEUE,
    async (job) => {
      const name = job.name as MaintenanceJob;
      if (name === 'audit-anchor') await audit.anchor(new Date());
      else if (name === 'audit-verify') await audit.verify(new Date());
      else await maintain(name, deps);
    },
    // One of each kind at a time: a long proof must not keep the sweeper waiting.
    {
      ...workerSettings(MAINTENANCE_QUEUE, connection),
      concurrency: Object.keys(SCHEDULES).length,
    },
  );

/** @throws Error for a job name that this version does not know */
export async function maintain(
  name: Exclude<MaintenanceJob, 'audit-anchor' | 'audit-verify'>,
  { knex, nudges, log, sessions, marketHours, signUps, thresholds }: MaintenanceDeps,
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
    case 'ledger-proof':
      await runScheduledProof(knex, log);
      return;
    case 'purge':
      for (const old of PURGED) while ((await purge(knex, old)) > 0);
      return;
    case 'equity-snapshots':
      await takeSnapshots(knex, new Date());
      return;
    case 'equity-retention':
      await thinSnapshots(knex, new Date(), marketHours);
      return;
    case 'end-of-day':
      await runEndOfDay({ knex, log, marketHours }, new Date());
      return;
    case 'approvals-expiry':
      await expireApprovals(knex, new Date());
      return;
    case 'sign-ups': // whoever is to be closed is not reminded any more
      await expireSignUps(signUps, new Date());
      await remindSignUps(signUps, new Date());
      return;
    case 'surveillance':
      await surveil({ knex, log, thresholds }, new Date());
      return;
    default:
      throw new Error(`unknown maintenance job ${String(name satisfies never)}`);
  }
}
