import { Redis } from 'ioredis';
import pg from 'pg';
import type { EmbeddedServer } from './embedded-server.js';
import { startPostgres } from './postgres.js';
import { startRedis } from './redis.js';

/** The addresses to work with, and the servers among them that are ours to stop, last one first. */
export interface Databases {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Starts embedded Postgres and Redis, except those whose address is given; a given one must answer.
 * @param given   DATABASE_URL and REDIS_URL, where set
 * @param started told of each started server, so that it is stopped even when the other fails
 * @param settings of an embedded Postgres, in place of ours
 */
export async function startDatabases(
  given: { readonly databaseUrl: string | undefined; readonly redisUrl: string | undefined },
  dataDir: string,
  notice: (text: string) => void,
  started: (name: string, server: EmbeddedServer) => void,
  settings: Readonly<Record<string, string>> = {},
): Promise<Databases> {
  const [postgres, redis] = await Promise.allSettled([
    given.databaseUrl === undefined
      ? startPostgres({ dataDir, notice, settings })
      : checkPostgres(given.databaseUrl),
    given.redisUrl === undefined ? startRedis({ dataDir, notice }) : checkRedis(given.redisUrl),
  ]);
  if (postgres.status === 'fulfilled' && 'stop' in postgres.value) {
    started('Postgres', postgres.value);
  }
  if (redis.status === 'fulfilled' && 'stop' in redis.value) started('Redis', redis.value);
  if (postgres.status === 'rejected') throw postgres.reason;
  if (redis.status === 'rejected') throw redis.reason;
  return { databaseUrl: postgres.value.url, redisUrl: redis.value.url };
}

/** An address without its password, for messages. */
function place(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

async function checkPostgres(url: string): Promise<{ url: string }> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  try {
    await client.connect();
  } catch (error) {
    throw new Error(`DATABASE_URL: cannot connect to ${place(url)}: ${String(error)}`, {
      cause: error,
    });
  } finally {
    await client.end().catch(() => undefined);
  }
  return { url };
}

async function checkRedis(url: string): Promise<{ url: string }> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: () => null,
  });
  let reason = 'no connection';
  redis.on('error', (error) => (reason = String(error)));
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    throw new Error(`REDIS_URL: cannot connect to ${place(url)}: ${reason}`, { cause: error });
  } finally {
    redis.disconnect();
  }
  return { url };
}
