import type { Redis } from 'ioredis';
import pg from 'pg';
import type { Config } from '../config.js';
import type { Database } from '../db.js';
import type { Logger } from '../log.js';
import { cacheOptions, connectRedis } from '../redis.js';
import { poolConnections, poolMax, poolWaiting, postgresUp, redisUp } from './metrics.js';
import { measurePostgres } from './postgres-state.js';
import { measureRedis } from './redis-state.js';

export interface WatchServersDeps {
  readonly config: Pick<Config, 'databaseUrl' | 'cacheRedisUrl'>;
  readonly db: Pick<Database, 'pools'>;
  /** Of the queues. */
  readonly redis: Redis;
  readonly log: Logger;
}

export interface WatchServersOptions {
  readonly everyMs: number;
  /** Also how the servers are, beyond whether they answer. A few processes are enough for that. */
  readonly isThorough: boolean;
}

const LOOK_EVERY_MS = 5_000;
const TIMEOUT_MS = 3_000;

/**
 * Looks every few seconds at the servers that this process works on and keeps their metrics, until
 * stopped. It has a connection of its own to each: that ours are all in use is another matter than
 * that a server is away.
 */
export function watchServers(
  { config, db, redis, log }: WatchServersDeps,
  { everyMs = LOOK_EVERY_MS, isThorough = false }: Partial<WatchServersOptions> = {},
): () => Promise<void> {
  const postgres = new pg.Pool({
    connectionString: config.databaseUrl,
    application_name: 'brokerx-watch',
    max: 1,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    statement_timeout: TIMEOUT_MS,
  });
  postgres.on('error', () => undefined); // it is away: the next look says so
  const cache = isThorough
    ? connectRedis(config.cacheRedisUrl, cacheOptions, () => undefined)
    : null;
  const servers = [
    { server: 'queues', redis },
    ...(cache ? [{ server: 'cache', redis: cache }] : []),
  ];
  const failed = (server: string) => (error: unknown) =>
    log.debug('a server could not be measured', { server, error });

  const look = async (): Promise<void> => {
    measurePools(db);
    await Promise.all([
      answers(postgres.query('select 1')).then(async (isUp) => {
        postgresUp.set(isUp ? 1 : 0);
        if (isUp && isThorough) await measurePostgres(postgres).catch(failed('postgres'));
      }),
      ...servers.map(async ({ server, redis }) => {
        // Not `ping`: like a write it is refused while the disk takes nothing, and that is another matter.
        const isUp = redis.status === 'ready' && (await answers(redis.time()));
        redisUp.set({ server }, isUp ? 1 : 0);
        if (isUp && isThorough) await measureRedis(redis, server).catch(failed(server));
      }),
    ]);
  };
  let looking: Promise<void> | undefined;
  const lookAgain = (): void => {
    looking ??= look().finally(() => (looking = undefined));
  };
  lookAgain();
  const timer = setInterval(lookAgain, everyMs);
  return async () => {
    clearInterval(timer);
    cache?.disconnect();
    await looking;
    await postgres.end();
  };
}

function measurePools(db: Pick<Database, 'pools'>): void {
  for (const { pool, used, idle, waiting, max } of db.pools()) {
    poolConnections.set({ pool, state: 'used' }, used);
    poolConnections.set({ pool, state: 'idle' }, idle);
    poolWaiting.set({ pool }, waiting);
    poolMax.set({ pool }, max);
  }
}

const answers = (reply: Promise<unknown>): Promise<boolean> =>
  reply.then(
    () => true,
    () => false,
  );
