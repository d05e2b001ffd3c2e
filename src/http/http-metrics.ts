import { Counter, Gauge, Histogram } from 'prom-client';
import type { Middleware } from './context.js';

/** The golden signals of the API. A route is the router's path, never the URL: labels stay few. */

let inFlight = 0;

export const httpRequests = new Counter({
  name: 'http_requests_total',
  help: 'Requests answered',
  labelNames: ['method', 'route', 'status'],
});
export const httpDuration = new Histogram({
  name: 'http_request_duration_seconds',
  help: 'Time from the first middleware to the answer',
  labelNames: ['method', 'route'],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});
export const httpInFlight = new Gauge({
  name: 'http_requests_in_flight',
  help: 'Requests that wait for their answer',
  collect() {
    this.set(inFlight);
  },
});
export const httpRateLimited = new Counter({
  name: 'http_rate_limited_total',
  help: 'Requests refused by the rate limit, by what was counted',
  labelNames: ['by'],
});

interface RouteMetrics {
  readonly duration: Histogram.Internal<'method' | 'route'>;
  readonly byStatus: Map<number, Counter.Internal>;
  readonly labels: { method: string; route: string };
}

/** Metrics with their labels filled in, by `METHOD route`: looking them up anew costs more. */
const known = new Map<string, RouteMetrics>();
/** Any other would be a label that callers choose. */
export const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function metricsOf(method: string, route: string): RouteMetrics {
  const key = `${method} ${route}`;
  let metrics = known.get(key);
  if (!metrics) {
    const labels = { method: METHODS.has(method) ? method : 'other', route };
    metrics = { labels, duration: httpDuration.labels(labels), byStatus: new Map() };
    known.set(key, metrics);
  }
  return metrics;
}

function count(metrics: RouteMetrics, status: number): void {
  let counter = metrics.byStatus.get(status);
  if (!counter) {
    counter = httpRequests.labels({ ...metrics.labels, status: String(status) });
    metrics.byStatus.set(status, counter);
  }
  counter.inc();
}

/** Counts and times every request. */
export const measureRequests: Middleware = async (ctx, next) => {
  const started = performance.now();
  inFlight += 1;
  try {
    await next();
  } finally {
    inFlight -= 1;
    const metrics = metricsOf(ctx.method, routeOf(ctx));
    metrics.duration.observe((performance.now() - started) / 1_000);
    count(metrics, ctx.status);
  }
};

/** The path that the router matched, such as `/v2/orders/:id`; `unmatched` when there is none. */
export function routeOf(ctx: object): string {
  const { routeMatched, _matchedRoute: route } = ctx as Record<string, unknown>;
  return typeof route === 'string' && routeMatched !== false ? route : 'unmatched';
}
