import { BlockList, isIP } from 'node:net';
import Router from '@koa/router';
import Joi from 'joi';
import type { Context } from 'koa';
import type { Redis } from 'ioredis';
import { collectDefaultMetrics, register } from 'prom-client';
import { collectMetrics } from '../process-metrics.js';
import type { Guards } from './guards.js';
import type { Middleware } from './context.js';
import type { Operation } from './operation.js';
import { requireScope } from './require-role.js';

/** A scraper stands in our own network: this machine, or a private address. */
const OWN_NETWORK = new BlockList();
OWN_NETWORK.addSubnet('127.0.0.0', 8, 'ipv4');
OWN_NETWORK.addSubnet('10.0.0.0', 8, 'ipv4');
OWN_NETWORK.addSubnet('172.16.0.0', 12, 'ipv4');
OWN_NETWORK.addSubnet('192.168.0.0', 16, 'ipv4');
OWN_NETWORK.addAddress('::1', 'ipv6');
OWN_NETWORK.addSubnet('fc00::', 7, 'ipv6');

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
      isOwnNetwork(ctx) ? next() : guard(ctx, next);

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

/** What a proxy forwards comes from elsewhere, whatever address the proxy has. */
function isOwnNetwork(ctx: Context): boolean {
  const { headers, socket } = ctx.req;
  if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined) return false;
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const family = isIP(address);
  return family !== 0 && OWN_NETWORK.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** The registry belongs to the process, which may make several apps (in tests). */
function startDefaultMetrics(): void {
  if (!register.getSingleMetric('process_cpu_seconds_total')) collectDefaultMetrics();
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
