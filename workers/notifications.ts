import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { deliverDue, type DeliverDeps } from '../src/notifications/deliver.js';
import { NOTIFICATIONS_QUEUE, workerSettings } from '../src/queue/queues.js';

const BATCH_MAX = 200;

/** A job says that notifications are due; all that are get delivered. */
export const startNotificationWorker = (connection: Redis, deps: DeliverDeps): Worker =>
  new Worker(
    NOTIFICATIONS_QUEUE,
    async () => {
      while ((await deliverDue(deps, BATCH_MAX)) > 0);
    },
    workerSettings(NOTIFICATIONS_QUEUE, connection),
  );
