import { Redis } from 'ioredis';
import { testServers } from './servers.js';

/** A numbered database of the tests' Redis that nobody else uses. */
export interface TestRedis {
  readonly url: string;
  /** Empties it and gives its number back. */
  close(): Promise<void>;
}

/** Number 0 is left to people; a server has 16 unless told otherwise. */
const free = Array.from({ length: 15 }, (_, index) => index + 1);

/** Takes an empty database. Channels of publish and subscribe are shared by all of a server. */
export async function createTestRedis(): Promise<TestRedis> {
  const number = free.shift();
  if (number === undefined) throw new Error('Every test database of Redis is taken: close some');
  const url = new URL(testServers().redisUrl);
  url.pathname = `/${number}`;
  await empty(url.href);
  return {
    url: url.href,
    async close() {
      await empty(url.href);
      free.push(number);
    },
  };
}

async function empty(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  try {
    await redis.connect();
    await redis.flushdb();
  } finally {
    redis.disconnect();
  }
}
