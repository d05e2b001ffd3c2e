import type { Redis } from 'ioredis';
import {
  AggregatorRegistry,
  collectDefaultMetrics,
  register,
  type MetricObjectWithValues,
  type MetricValue,
} from 'prom-client';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Without METRICS_PORT workers listen to no port. Each writes its metrics to Redis every other second,
 * and `/metrics` of the API adds them to its own: counters and histograms as sums, gauges as their
 * metric says. With it each process is asked by itself (`http/metrics-server.ts`), and nothing is
 * written: it would be counted twice.
 */

type Metrics = MetricObjectWithValues<MetricValue<string>>[];

const KEY = 'brokerx:worker-metrics';
const PUBLISH_EVERY_MS = 2_000;
const STALE_AFTER_MS = 10_000;
const READ_TIMEOUT_MS = 300;
const OURS = /^brokerx_/;

/** The registry belongs to the process, which may make several apps (in tests). */
export function startDefaultMetrics(): void {
  if (!register.getSingleMetric('process_cpu_seconds_total')) collectDefaultMetrics();
}

/** Publishes this process's own metrics until the returned function is called. */
export function publishMetrics(redis: Redis, worker: string): () => Promise<void> {
  const publish = async (): Promise<void> => {
    if (redis.status !== 'ready') return;
    const metrics = (await register.getMetricsAsJSON()).filter(({ name }) => OURS.test(name));
    await redis.hset(KEY, worker, JSON.stringify({ at: Date.now(), metrics }));
  };
  const quietly = () => publish().catch(() => undefined); // the next one may get through
  const timer = setInterval(() => void quietly(), PUBLISH_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await quietly();
  };
}

/** This process's metrics and the workers', in Prometheus' text format. */
export async function collectMetrics(redis: Redis): Promise<string> {
  const own = await register.getMetricsAsJSON();
  const workers = await readWorkers(redis);
  const mine = own.filter(({ name }) => !OURS.test(name));
  const shared = AggregatorRegistry.aggregate([
    own.filter(({ name }) => OURS.test(name)),
    ...workers,
  ] as Metrics[]);
  const rest = AggregatorRegistry.aggregate([mine] as Metrics[]);
  return (await rest.metrics()) + (await shared.metrics());
}

async function readWorkers(redis: Redis): Promise<Metrics[]> {
  if (redis.status !== 'ready') return [];
  const read = redis.hgetall(KEY).catch(() => ({}));
  const entries = await Promise.race([read, sleep(READ_TIMEOUT_MS, {})]);
  const fresh: Metrics[] = [];
  for (const [worker, text] of Object.entries(entries as Record<string, string>)) {
    const { at, metrics } = JSON.parse(text) as { at: number; metrics: Metrics };
    if (Date.now() - at < STALE_AFTER_MS) fresh.push(metrics);
    else void redis.hdel(KEY, worker).catch(() => undefined);
  }
  return fresh;
}
