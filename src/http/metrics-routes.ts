import Router from '@koa/router';
import Joi from 'joi';
import type { Redis } from 'ioredis';
import { register } from 'prom-client';
import { collectMetrics, startDefaultMetrics } from '../process-metrics.js';
import type { Guards } from './guards.js';
import type { Middleware } from './context.js';
import type { Operation } from './operation.js';
import { isFromOwnNetwork } from './own-network.js';
import { requireScope } from './require-role.js';

export interface MetricsRoutesDeps extends Pick<Guards, 'authenticated'> {
  readonly redis: Redis;
}

/** `/metrics` for Prometheus: its own network needs no credentials, anybody else the admin scope. */
export function metricsRouter({ authenticated, redis }: MetricsRoutesDeps): Router {
  startDefaultMetrics();
  const router = new Router();
  const fromElsewhere =
    (guard: Middleware): Middleware =>
    (ctx, next) =>
      isFromOwnNetwork(ctx.req) ? next() : guard(ctx, next);

  router.get(
    '/metrics',
    fromElsewhere(authenticated),
    fromElsewhere(requireScope('admin')),
    async (ctx) => {
      ctx.set('Content-Type', register.contentType);
      ctx.body = await collectMetrics(redis); // this process's and the workers'
    },
  );
  return router;
}

export const metricsOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/metrics',
    tag: 'Operation',
    access: 'public',
    summary: 'Metrics for Prometheus',
    description: 'From a public address, or through a proxy, it needs the scope `admin`.',
    responses: {
      200: { description: 'The exposition format', type: 'text/plain', schema: Joi.string() },
    },
  },
];
