import type { Context } from 'koa';
import type { Principal } from '../identity/principal.js';

/** What our middleware puts on a request, typed once for every Koa context. */
declare module 'koa' {
  interface DefaultState {
    /** Sent back as `X-Request-ID` and written into every log line of the request. */
    requestId: string;
    /** Who is calling; set on every route behind `authenticate`. */
    principal: Principal;
    /** The caller's trading account; set by `requireAccount`. */
    accountId: string;
    /** What `validateQuery` accepted. */
    query: unknown;
    /** What `validateParams` accepted. */
    params: unknown;
    /** Set by a route for the access log. */
    orderId?: string;
    /** What was thrown, for the access log. */
    error?: unknown;
  }
  interface Request {
    /** What `validateBody` accepted. */
    validBody: unknown;
    /** The bytes of the body, as `readJson` got them. */
    rawBody: Buffer;
  }
}

/** One of Koa's; those that only pass on return what `next` does and need not be async. */
export type Middleware = (ctx: Context, next: () => Promise<void>) => Promise<void> | void;
