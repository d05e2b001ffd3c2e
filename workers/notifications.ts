import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { gather, nextGatherAt, type GatherDeps } from '../src/notifications/gather.js';
import { NOTIFICATIONS_QUEUE, workerSettings } from '../src/queue/queues.js';

export interface NotificationWorkerDeps extends GatherDeps {
  /** Told when the next facts are due. Must neither wait nor throw. */
  readonly nudgeAt: (time: Date) => void;
}

/** So many times as long as it has worked it rests: under load orders come before the telling of them. */
const RESTS = 3;
const REST_MAX_MS = 2_000;

/** A job says that facts wait; all that are due become messages. */
export function startNotificationWorker(connection: Redis, deps: NotificationWorkerDeps): Worker {
  const worker: Worker = new Worker(
    NOTIFICATIONS_QUEUE,
    async () => {
      while (!worker.closing) {
        const started = performance.now();
        if ((await gather(deps)) === 0) break;
        await sleep(Math.min(RESTS * (performance.now() - started), REST_MAX_MS));
      }
      const next = await nextGatherAt(deps.knex, deps.windowMs);
      if (next) deps.nudgeAt(next);
    },
    workerSettings(NOTIFICATIONS_QUEUE, connection),
  );
  return worker;
}
