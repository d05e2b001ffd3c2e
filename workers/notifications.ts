import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { deliverDue, type DeliverDeps } from '../src/notifications/deliver.js';
import { NOTIFICATIONS_QUEUE, workerSettings } from '../src/queue/queues.js';

/** Mails of one call: a clean stop waits for no more than these. */
const BATCH_MAX = 30;

/** A job says that notifications are due; all that are get delivered. */
export function startNotificationWorker(connection: Redis, deps: DeliverDeps): Worker {
  const worker: Worker = new Worker(
    NOTIFICATIONS_QUEUE,
    async () => {
      while (!worker.closing && (await deliverDue(deps, BATCH_MAX)) > 0);
    },
    workerSettings(NOTIFICATIONS_QUEUE, connection),
  );
  return worker;
}
