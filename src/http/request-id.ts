import { randomUUID } from 'node:crypto';
import type { Middleware } from './context.js';

const ACCEPTABLE = /^[\w.:-]{1,128}$/;

/** Names the request: the caller's `X-Request-ID` when it is plain and short, else a new UUID. */
export const requestId: Middleware = (ctx, next) => {
  const given = ctx.req.headers['x-request-id'];
  const id = typeof given === 'string' && ACCEPTABLE.test(given) ? given : randomUUID();
  ctx.state.requestId = id;
  ctx.res.setHeader('X-Request-ID', id);
  return next();
};
