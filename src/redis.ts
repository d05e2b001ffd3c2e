import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from './log.js';

const RETRY_MAX_MS = 2_000;
const retryStrategy = (attempt: number): number => Math.min(attempt * 100, RETRY_MAX_MS);

/**
 * For whoever adds jobs or reads a cache while somebody waits: a command fails at once while Redis is
 * away (`queue.add` was measured to block for more than 40 s with ioredis' defaults).
 */
export const producerOptions: RedisOptions = {
  enableOfflineQueue: false,
  enableAutoPipelining: true, // one write for all nudges of a batch
  maxRetriesPerRequest: 1,
  connectTimeout: 2_000,
  commandTimeout: 1_000,
  socketTimeout: 5_000, // a half-open connection must not swallow every nudge
  retryStrategy,
};

/** For the cache: whoever asks it can do without, so they wait still less. It gathers by itself. */
export const cacheOptions: RedisOptions = {
  ...producerOptions,
  enableAutoPipelining: false,
  commandTimeout: 250,
};

/**
 * For BullMQ's workers: they wait for Redis as long as it takes. The socket timeout (longer than
 * BullMQ's drainDelay of 5 s) ends half-open connections, on which a worker was measured to sit
 * for good.
 */
export const workerOptions: RedisOptions = {
  maxRetriesPerRequest: null,
  connectTimeout: 2_000,
  socketTimeout: 10_000,
  retryStrategy,
};

/**
 * For whoever subscribes to a channel: connects again and again, and subscribes anew by itself. The
 * socket timeout counts while an answer is due, so a regular ping finds a half-open connection.
 */
export const subscriberOptions: RedisOptions = {
  maxRetriesPerRequest: null,
  connectTimeout: 2_000,
  socketTimeout: 5_000,
  retryStrategy,
};

/**
 * Connects to Redis in the background; a lost connection is logged by whoever listens, never thrown.
 * @param url     `redis://...`
 * @param options producerOptions, workerOptions or subscriberOptions
 * @param onError told of each connection error
 */
export function connectRedis(
  url: string,
  options: RedisOptions,
  onError: (error: Error) => void,
): Redis {
  const redis = new Redis(url, options);
  redis.on('error', onError);
  return redis;
}

/**
 * Makes sure that Redis never throws jobs away to make room.
 * @throws Error in production when its policy is not `noeviction`; elsewhere that is a warning
 */
export async function requireNoEviction(redis: Redis, log: Logger, nodeEnv: string): Promise<void> {
  const reply = await redis.config('GET', 'maxmemory-policy').catch(() => null);
  const policy = (reply as [string, string] | null)?.[1];
  if (policy === 'noeviction') return;
  const message =
    `Redis' maxmemory-policy is ${policy ?? 'unknown'}; it must be noeviction, ` +
    'or Redis may throw queued jobs away';
  if (nodeEnv === 'production' && policy !== undefined) throw new Error(message);
  log.warn(message);
}
