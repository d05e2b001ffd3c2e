import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Config } from '../src/config.js';
import { connectKnex } from '../src/db.js';
import type { Logger } from '../src/log.js';
import { deliverEvents } from '../src/payment-provider/deliver-events.js';
import { PAYMENTS_QUEUE, type PaymentJob } from '../src/payment-provider/instructions.js';
import { takePayment, tellAgain } from '../src/payment-provider/payments.js';
import { workerSettings } from '../src/queue/queues.js';

export interface PaymentProviderDeps {
  readonly config: Pick<Config, 'databaseUrl' | 'paymentCallbackUrl' | 'paymentProviderSecret'>;
  readonly log: Logger;
  /** What it takes the time from, for what it says later. */
  readonly now?: () => Date;
}

/** The simulated payment provider, while it runs. */
export interface PaymentProvider {
  readonly worker: Worker<PaymentJob>;
  readonly stop: () => Promise<void>;
}

const ROLE = 'brokerx_payment_provider';
const CONNECTIONS = 4;
const INSTRUCTIONS_AT_ONCE = 4;
const DELIVERIES_AT_ONCE = 20;
const LOOK_EVERY_MS = 250;

/**
 * Runs the payment provider: another company, as far as the rest of the product can tell. It takes
 * instructions from its queue, keeps them in a schema that only its own role sees, and answers by signed
 * HTTP. What it still has to say is due in its table, so neither its death nor Redis' loses anything.
 */
export function startPaymentProvider(
  connection: Redis,
  { config, log, now = () => new Date() }: PaymentProviderDeps,
): PaymentProvider {
  const knex = connectKnex(config.databaseUrl, 'payment-provider', CONNECTIONS, ROLE);
  const deliverDeps = {
    knex,
    log,
    now,
    callbackUrl: config.paymentCallbackUrl,
    secret: config.paymentProviderSecret,
  };
  const worker = new Worker<PaymentJob>(
    PAYMENTS_QUEUE,
    async ({ data }) => {
      if (data.kind === 'pay') await takePayment(knex, data.instruction, now());
      else await tellAgain(knex, data.query, now());
    },
    { ...workerSettings(PAYMENTS_QUEUE, connection), concurrency: INSTRUCTIONS_AT_ONCE },
  );

  const stopping = new AbortController();
  const deliverAll = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const delivered = await deliverEvents(deliverDeps, DELIVERIES_AT_ONCE).catch(
        (error: unknown) => {
          log.warn('the payment provider could not look for what is due', { error });
          return 0;
        },
      );
      if (delivered > 0) continue;
      await sleep(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const ended = deliverAll();
  return {
    worker,
    async stop() {
      stopping.abort();
      await Promise.all([worker.close(), ended]);
      await knex.destroy();
    },
  };
}
