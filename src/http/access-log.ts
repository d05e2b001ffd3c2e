import type { Context } from 'koa';
import { isConnectionLost } from '../db.js';
import { DomainError } from '../errors.js';
import type { Logger } from '../log.js';
import type { Middleware } from './context.js';
import { routeOf } from './http-metrics.js';
import { HttpRefusal } from './problem.js';

const SLOW_MS = 1_000;

/**
 * One line a request: `http` for what went as it should (refusals included), `warn` for what was
 * slow, `error` with the stack for 5xx. Never the query or a body: they may hold secrets.
 */
export function logRequests(log: Logger): Middleware {
  const writesAll = log.isLevelEnabled('http');
  return async (ctx, next) => {
    const started = performance.now();
    await next();
    const durationMs = performance.now() - started;
    if (isFailure(ctx)) log.error('request failed', { ...line(ctx, durationMs), ...cause(ctx) });
    else if (durationMs > SLOW_MS) log.warn('slow request', line(ctx, durationMs));
    else if (writesAll) log.http('request', line(ctx, durationMs));
  };
}

/** A 501 is the caller's doing. */
const isFailure = ({ status, state }: Context): boolean =>
  status >= 500 && !(state.error instanceof HttpRefusal);

const line = (ctx: Context, durationMs: number): Record<string, unknown> => ({
  request_id: ctx.state.requestId,
  method: ctx.method,
  path: ctx.path,
  route: routeOf(ctx),
  status: ctx.status,
  duration_ms: Math.round(durationMs * 1_000) / 1_000,
  client_id: (ctx.state.principal as { clientId: string } | undefined)?.clientId,
  order_id: ctx.state.orderId,
  ip: ctx.ip,
});

/** An outage explains itself; a bug needs its stack. */
function cause({ state: { error } }: Context): Record<string, unknown> {
  if (error instanceof DomainError) return { error: error.message };
  if (isConnectionLost(error)) return { error: (error as Error).message };
  return { error };
}
