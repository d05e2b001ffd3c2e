import { Queue, type JobsOptions, type WorkerOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { queueTelemetry } from '../tracing/spans.js';

/** Names and settings of every queue; API and workers both build on these. */

export const shardQueueName = (shard: number): string => `orders-${shard}`;
/** Facts about orders become messages. */
export const NOTIFICATIONS_QUEUE = 'notifications';
export const WEBHOOKS_QUEUE = 'webhooks';
export const MAILS_QUEUE = 'mails';
export const TRANSFERS_QUEUE = 'transfers';
export const MAINTENANCE_QUEUE = 'maintenance';

/** "There is work on this shard." The work itself is in Postgres. */
export interface ExecuteShardJob {
  shard: number;
}

/** "There may be something for this endpoint." What it is stands in its account's log. */
export interface DeliverWebhooksJob {
  endpointId: string;
}

/** A mail that was given up. Run again, by a person on Bull Board, it is redriven. */
export interface DeadMailJob {
  id: string;
  reason: string;
}

/** Kinds of maintenance jobs; permanent strings, they are in Redis. */
export type MaintenanceJob =
  | 'sweep'
  | 'sessions'
  | 'book-check'
  | 'ledger-proof'
  | 'purge'
  | 'equity-snapshots'
  | 'equity-retention'
  | 'minute-retention'
  | 'end-of-day'
  | 'approvals-expiry'
  | 'sign-ups'
  | 'audit-anchor'
  | 'audit-verify'
  | 'backup-status'
  | 'transfers'
  | 'venue'
  | 'surveillance';

/** In braces, so that all keys of one queue are in one Redis Cluster slot. */
const prefix = (queue: string): string => `{brokerx-${queue}}`;

const JOB_OPTIONS: JobsOptions = {
  attempts: 1, // the sweeper nudges again while the work waits; retries are counted in Postgres
  removeOnComplete: { count: 50 },
  removeOnFail: { count: 200 },
};

/** A queue to add to or look into. Never waits for Redis to become ready. */
export function openQueue<Data>(name: string, connection: Redis): Queue<Data> {
  const queue = new Queue<Data>(name, {
    connection,
    prefix: prefix(name),
    defaultJobOptions: JOB_OPTIONS,
    skipWaitingForReady: true,
    // It would be asked once: a queue whose question is not answered takes no job for ever after.
    skipVersionCheck: true,
    streams: { events: { maxLen: 200 } },
    ...queueTelemetry(),
  });
  queue.on('error', () => undefined); // the connection's own listener has logged it
  return queue;
}

/**
 * Settings of every worker. A lock of 5 s with a check every 2 s brings a dead worker's job back
 * after about 6 s (58 s with BullMQ's defaults); a job may stall as often as it likes, since running
 * it again is always safe and giving it up never is.
 */
export const workerSettings = (name: string, connection: Redis): WorkerOptions => ({
  connection,
  prefix: prefix(name),
  concurrency: 1,
  lockDuration: 5_000,
  stalledInterval: 2_000,
  maxStalledCount: 1_000_000,
  drainDelay: 5,
  runRetryDelay: 500,
  removeOnComplete: { count: 50 },
  removeOnFail: { count: 200 },
  ...queueTelemetry(),
});
