import { Counter, Histogram } from 'prom-client';

/** What is told of all channels is in `src/metrics.ts`, with the channel `webhook`. */

export const webhookAttempts = new Counter({
  name: 'brokerx_webhook_attempts_total',
  help: 'Messages posted to endpoints, by what came of it',
  labelNames: ['outcome'],
});
export const webhooksDead = new Counter({
  name: 'brokerx_webhook_dead_total',
  help: 'Messages given up after their last attempt',
});
export const webhooksDisabled = new Counter({
  name: 'brokerx_webhook_endpoints_disabled_total',
  help: 'Endpoints that we turned off, by reason',
  labelNames: ['reason'],
});
export const webhookRequestTime = new Histogram({
  name: 'brokerx_webhook_request_seconds',
  help: 'Time of one post to an endpoint',
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});
