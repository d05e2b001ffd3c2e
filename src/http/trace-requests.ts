import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { startSpan } from '../tracing/spans.js';
import type { Middleware } from './context.js';
import { METHODS, routeOf } from './http-metrics.js';

/** Asked every few seconds by machines. */
const NOT_TRACED = new Set(['/health', '/ready', '/metrics']);

/**
 * A span for each request, in the caller's trace when its `traceparent` says so. The route and the
 * outcome; neither path, address nor caller.
 */
export const traceRequests: Middleware = async (ctx, next) => {
  if (NOT_TRACED.has(ctx.path)) return next();
  const method = METHODS.has(ctx.method) ? ctx.method : '_OTHER';
  const caller = propagation.extract(ROOT_CONTEXT, ctx.req.headers);
  const attributes = {
    'http.request.method': method,
    'brokerx.request_id': ctx.state.requestId,
  };
  const span = startSpan(method, { kind: SpanKind.SERVER, attributes }, caller);
  try {
    await context.with(trace.setSpan(caller, span), next);
  } finally {
    const route = routeOf(ctx);
    if (route !== 'unmatched') {
      span.updateName(`${method} ${route}`);
      span.setAttribute('http.route', route);
    }
    span.setAttribute('http.response.status_code', ctx.status);
    if (ctx.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    if (ctx.state.orderId) span.setAttribute('brokerx.order_id', ctx.state.orderId);
    span.end();
  }
};
