import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { gather, nextGatherAt, type GatherDeps } from '../src/notifications/gather.js';
import { NOTIFICATIONS_QUEUE, workerSettings } from '../src/queue/queues.js';

export interface NotificationWorkerDeps extends GatherDeps {
  /** Told when the next facts are due. Must neither wait nor throw. */
  readonly nudgeAt: (time: Date) => void;
}

/** A job says that facts wait; all that are due become messages. */
export function startNotificationWorker(connection: Redis, deps: NotificationWorkerDeps): Worker {
  const worker: Worker = new Worker(
    NOTIFICATIONS_QUEUE,
    async () => {
      while (!worker.closing && (await gather(deps)) > 0);
      const next = await nextGatherAt(deps.knex, deps.windowMs);
      if (next) deps.nudgeAt(next);
    },
    workerSettings(NOTIFICATIONS_QUEUE, connection),
  );
  return worker;
}
