import { UnrecoverableError, Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { systemActor } from '../src/audit/record.js';
import { redrive } from '../src/notifications/dead-letters.js';
import { deliverMails, type DeliverMailsDeps } from '../src/notifications/deliver-mails.js';
import { deliverMessages } from '../src/notifications/deliver-messages.js';
import { MAILS_QUEUE, workerSettings, type DeadMailJob } from '../src/queue/queues.js';

/** Mails of one call: a clean stop waits for no more than these. */
const BATCH_MAX = 30;

/**
 * A job says that mails are due; all that are get sent, codes before messages. A queue of its own: while
 * the mail server is slow, or away, nothing but mails waits for it.
 */
export function startMailWorker(connection: Redis, deps: DeliverMailsDeps): Worker {
  const sendAll = async (): Promise<void> => {
    const sendSome = async (): Promise<number> =>
      (await deliverMails(deps, BATCH_MAX)) + (await deliverMessages(deps, BATCH_MAX));
    while (!worker.closing && (await sendSome()) > 0);
  };
  const worker: Worker = new Worker(
    MAILS_QUEUE,
    async (job) => {
      if (job.name === 'dead') await workOnDead(job as Job<DeadMailJob>, deps);
      await sendAll();
    },
    workerSettings(MAILS_QUEUE, connection),
  );
  return worker;
}

/** Fails at first, to be seen; run again by somebody who looked, the mail is due again. */
async function workOnDead(
  { data: { id, reason }, attemptsMade }: Job<DeadMailJob>,
  { db }: DeliverMailsDeps,
): Promise<void> {
  if (attemptsMade === 0) throw new UnrecoverableError(`the mail was given up: ${reason}`);
  await db.knex.transaction((trx) => redrive(trx, id, systemActor('bull-board')));
}
