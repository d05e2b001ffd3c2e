import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { deliverDue } from '../src/notifications/deliver.js';
import { deliverMails, type DeliverMailsDeps } from '../src/notifications/deliver-mails.js';
import { NOTIFICATIONS_QUEUE, workerSettings } from '../src/queue/queues.js';

/** Mails of one call: a clean stop waits for no more than these. */
const BATCH_MAX = 30;

/** A job says that something is due; all that is gets delivered, codes before digests. */
export function startNotificationWorker(connection: Redis, deps: DeliverMailsDeps): Worker {
  const deliverBatch = async (): Promise<number> =>
    (await deliverMails(deps, BATCH_MAX)) + (await deliverDue(deps, BATCH_MAX));
  const worker: Worker = new Worker(
    NOTIFICATIONS_QUEUE,
    async () => {
      while (!worker.closing && (await deliverBatch()) > 0);
    },
    workerSettings(NOTIFICATIONS_QUEUE, connection),
  );
  return worker;
}
