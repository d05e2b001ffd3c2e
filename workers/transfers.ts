import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { submitTransfers, type SubmitDeps } from '../src/funding/submit-transfers.js';
import { TRANSFERS_QUEUE, workerSettings } from '../src/queue/queues.js';

/** A job says that transfers wait; all that do are sent to the payment provider. */
export const startTransferWorker = (connection: Redis, deps: SubmitDeps): Worker =>
  new Worker(
    TRANSFERS_QUEUE,
    async () => {
      await submitTransfers(deps);
    },
    workerSettings(TRANSFERS_QUEUE, connection),
  );
