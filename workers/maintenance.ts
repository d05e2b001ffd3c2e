import { Worker, type Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { expireApprovals } from '../src/approvals/expire.js';
import { lookAfterRoutes, type LookAfterRoutesDeps } from '../src/venue/look-after-routes.js';
import { measureBackups } from '../src/backup/status.js';
import type { AuditWatch } from '../src/audit/watch.js';
import { expireSignUps, remindSignUps, type SignUpJobDeps } from '../src/clients/sign-up-jobs.js';
import type { MarketHours } from '../src/domain/clock.js';
import type { Thresholds } from '../src/domain/surveillance.js';
import { lookAfterTransfers, type LookAfterDeps } from '../src/funding/look-after-transfers.js';
import { runScheduledProof } from '../src/ledger/scheduled-proof.js';
import type { Logger } from '../src/log.js';
import { checkBooks } from '../src/market/book-check.js';
import { deleteOldMinutes } from '../src/market/minute-retention.js';
import { jobsInQueue, upkeepDoneAt, upkeepEvery } from '../src/metrics.js';
import type { SessionWork } from '../src/orders/session-work.js';
import { takeSnapshots, thinSnapshots } from '../src/portfolio/snapshots.js';
import type { Nudges } from '../src/queue/nudges.js';
import { MAINTENANCE_QUEUE, workerSettings, type MaintenanceJob } from '../src/queue/queues.js';
import { sweep } from '../src/queue/sweeper.js';
import { runEndOfDay } from '../src/statements/end-of-day.js';
import { surveil } from '../src/surveillance/surveil.js';
import { purgeOld } from './purge.js';

export interface MaintenanceDeps {
  readonly knex: Knex;
  readonly nudges: Nudges;
  readonly log: Logger;
  readonly sessions: SessionWork;
  readonly marketHours: MarketHours;
  /** How long bars of minutes are kept. */
  readonly minutesKeptDays: number;
  readonly signUps: SignUpJobDeps;
  readonly transfers: LookAfterDeps;
  readonly venue: LookAfterRoutesDeps;
  readonly audit: AuditWatch;
  /** Of market surveillance. */
  readonly thresholds: Thresholds;
}

interface Upkeep {
  readonly everyMs: number;
  /** Safe to run at any time, by two workers at once, and again after it has failed. */
  readonly run: (deps: MaintenanceDeps) => Promise<unknown>;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The scheduled upkeep. */
const UPKEEP: Readonly<Record<MaintenanceJob, Upkeep>> = {
  sweep: {
    everyMs: 2 * SECOND,
    async run({ knex, nudges, log }) {
      const shards = await sweep(knex, nudges);
      if (shards.length > 0) log.warn('swept overdue work', { shards });
    },
  },
  sessions: {
    everyMs: SECOND,
    async run({ sessions, nudges }) {
      const shards = await sessions.run(new Date());
      if (shards.length > 0) nudges.shards(shards);
    },
  },
  'book-check': { everyMs: 30 * SECOND, run: ({ knex, log }) => checkBooks(knex, log) },
  transfers: { everyMs: 2 * SECOND, run: ({ transfers }) => lookAfterTransfers(transfers) },
  venue: { everyMs: SECOND, run: ({ venue }) => lookAfterRoutes(venue) },
  'audit-anchor': { everyMs: 2 * SECOND, run: ({ audit }) => audit.anchor(new Date()) },
  surveillance: {
    everyMs: 30 * SECOND,
    run: ({ knex, log, thresholds }) => surveil({ knex, log, thresholds }, new Date()),
  },
  'ledger-proof': { everyMs: MINUTE, run: ({ knex, log }) => runScheduledProof(knex, log) },
  'equity-snapshots': { everyMs: MINUTE, run: ({ knex }) => takeSnapshots(knex, new Date()) },
  'end-of-day': {
    everyMs: MINUTE,
    run: ({ knex, log, marketHours }) => runEndOfDay({ knex, log, marketHours }, new Date()),
  },
  'approvals-expiry': { everyMs: MINUTE, run: ({ knex }) => expireApprovals(knex, new Date()) },
  'sign-ups': {
    everyMs: 10 * MINUTE,
    async run({ signUps }) {
      await expireSignUps(signUps, new Date()); // whoever is closed is not reminded any more
      await remindSignUps(signUps, new Date());
    },
  },
  'backup-status': { everyMs: 15 * SECOND, run: ({ knex }) => measureBackups(knex) },
  'audit-verify': { everyMs: 10 * MINUTE, run: ({ audit }) => audit.verify(new Date()) },
  purge: { everyMs: HOUR, run: ({ knex }) => purgeOld(knex) },
  'equity-retention': {
    everyMs: HOUR,
    run: ({ knex, marketHours }) => thinSnapshots(knex, new Date(), marketHours),
  },
  'minute-retention': {
    everyMs: HOUR,
    run: ({ knex, minutesKeptDays }) => deleteOldMinutes(knex, new Date(), minutesKeptDays),
  },
};

/** Makes sure that the schedules exist; a flushed Redis has forgotten them. */
export async function ensureSchedules(queue: Queue): Promise<void> {
  for (const [name, { everyMs }] of Object.entries(UPKEEP)) {
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

/** Runs the scheduled upkeep. */
export function startMaintenanceWorker(connection: Redis, deps: MaintenanceDeps): Worker {
  for (const [job, { everyMs }] of Object.entries(UPKEEP)) {
    upkeepEvery.set({ upkeep: job }, everyMs / 1_000);
    upkeepDoneAt.set({ upkeep: job }, Date.now() / 1_000); // what was done before, others have told
  }
  return new Worker(MAINTENANCE_QUEUE, (job) => maintain(job.name as MaintenanceJob, deps), {
    ...workerSettings(MAINTENANCE_QUEUE, connection),
    // One of each kind at a time: a long proof must not keep the sweeper waiting.
    concurrency: Object.keys(UPKEEP).length,
  });
}

/** @throws Error for a job name that this version does not know */
export async function maintain(name: MaintenanceJob, deps: MaintenanceDeps): Promise<void> {
  if (!Object.hasOwn(UPKEEP, name)) throw new Error(`unknown maintenance job ${name}`);
  await UPKEEP[name].run(deps);
  upkeepDoneAt.set({ upkeep: name }, Date.now() / 1_000);
}
