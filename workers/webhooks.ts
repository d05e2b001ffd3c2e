import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { redisErrorLogger, type Container } from '../src/container.js';
import { WEBHOOKS_QUEUE, workerSettings, type DeliverWebhooksJob } from '../src/queue/queues.js';
import { connectRedis, subscriberOptions } from '../src/redis.js';
import { deliverToEndpoint } from '../src/webhooks/deliver.js';
import {
  deliveryTerms,
  type DeliverDeps,
  type DeliveryTerms,
} from '../src/webhooks/delivery-deps.js';
import { WebhookSender } from '../src/webhooks/sender.js';
import { WebhookWatch } from '../src/webhooks/watch.js';

/** The delivery of webhooks, while it runs. */
export interface WebhookDelivery {
  readonly worker: Worker<DeliverWebhooksJob>;
  readonly stop: () => Promise<void>;
}

/**
 * Delivers webhooks until stopped: a job says that there may be something for an endpoint, the watch
 * adds such jobs. Several endpoints at once, one message at a time to each.
 * @param terms others than the settings', for tests
 */
export function startWebhooks(
  connection: Redis,
  { config, db, log, sealer, nudges, nudgeNotifications }: Container,
  terms: DeliveryTerms = deliveryTerms(config.webhooks),
): WebhookDelivery {
  const sender = new WebhookSender({ rules: config.webhooks });
  const deps: DeliverDeps = {
    db,
    sender,
    sealer,
    log,
    terms,
    nudgeNotifications,
  };
  const worker: Worker<DeliverWebhooksJob> = new Worker<DeliverWebhooksJob>(
    WEBHOOKS_QUEUE,
    async ({ data: { endpointId } }) => {
      const isStopping = () => worker.closing !== undefined;
      const more = await deliverToEndpoint(deps, endpointId, isStopping);
      if (more) nudges.webhooks([endpointId]); // behind the others that wait
    },
    {
      ...workerSettings(WEBHOOKS_QUEUE, connection),
      concurrency: config.webhooks.concurrency,
    },
  );
  const watch = new WebhookWatch({
    knex: db.knex,
    redis: connectRedis(config.redisUrl, subscriberOptions, redisErrorLogger(log)),
    log,
    nudge: (endpointIds) => nudges.webhooks(endpointIds),
    sweep: (endpointIds) => nudges.sweepWebhooks(endpointIds),
  });
  watch.start();
  return {
    worker,
    async stop() {
      watch.stop();
      await worker.close();
      sender.close();
    },
  };
}
