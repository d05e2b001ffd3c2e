import { hostname } from 'node:os';
import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import { AssetCatalog } from './assets/catalog.js';
import type { Config } from './config.js';
import { connectDatabase, requireDurablePostgres, type Database } from './db.js';
import { createSealer, type Sealer } from './identity/sealer.js';
import { createLogger, type Logger } from './log.js';
import { CHANGES_CHANNEL } from './market/feed.js';
import { VENUE_ORDERS_QUEUE, type VenueMessage } from './external-venue/messages.js';
import { AcceptanceWishes } from './notifications/acceptance-wishes.js';
import { Executor } from './orders/executor.js';
import { Intake } from './orders/intake.js';
import { Nudges } from './queue/nudges.js';
import { openQueue } from './queue/queues.js';
import { connectRedis, producerOptions } from './redis.js';
import { defaultLimits, LimitBook } from './risk/limits.js';
import { tellVenue, type TellVenueDeps } from './venue/tell-venue.js';
import { startTracing } from './tracing/start.js';
import { EVENTS_CHANNEL, EventBell, EVERYBODY, MESSAGES_CHANNEL } from './streams/event-bell.js';

/** What every process of the product is made of: connections, intake, executor. */
export interface Container {
  config: Config;
  /** Names this process among all of the product's, such as `host-4711`. */
  name: string;
  log: Logger;
  db: Database;
  /** For producers: fails at once while Redis is away. */
  redis: Redis;
  catalog: AssetCatalog;
  /** Whose clients are told that an order came to the market. */
  acceptanceWishes: AcceptanceWishes;
  /** The pre-trade limits in force. */
  limits: LimitBook;
  nudges: Nudges;
  intake: Intake;
  executor: Executor;
  /** What the external venue is told with. */
  venue: TellVenueDeps;
  /** Tells API processes whose messages are new. */
  messageBell: EventBell;
  /** There are mails to send, and perhaps new messages; after the commit. Never waits, never throws. */
  nudgeNotifications: () => void;
  /** Encrypts the secrets that must be readable again. */
  sealer: Sealer;
  /** Closes the connections; bounded in time. */
  close(): Promise<void>;
}

const REDIS_ERRORS_LOGGED_EVERY_MS = 5_000;

/** Logs a broken Redis connection now and then, not for every reconnection attempt. */
export function redisErrorLogger(log: Logger, message = 'Redis is away'): (error: Error) => void {
  let loggedAt = 0;
  return (error) => {
    if (Date.now() - loggedAt < REDIS_ERRORS_LOGGED_EVERY_MS) return;
    loggedAt = Date.now();
    log.warn(message, { error: error.message });
  };
}

/** Assets keep the shard they got first, also when SHARDS has been lowered since. */
async function countShards(knex: Knex): Promise<number> {
  const row = await knex('shards').max<{ last: number | null }>('id as last').first();
  return (row?.last ?? -1) + 1;
}

/**
 * The one composition root: plain `new`, in the order things depend on each other.
 * @param service names the process in logs and in `pg_stat_activity`, such as `api`
 */
export async function createContainer(config: Config, service: string): Promise<Container> {
  const name = `${hostname()}-${process.pid}`;
  const log = createLogger(config.logLevel, service);
  const stopTracing = await startTracing(config, service, log);
  const db = connectDatabase(config.databaseUrl, service);
  const redis = connectRedis(config.redisUrl, producerOptions, redisErrorLogger(log));
  if (config.nodeEnv === 'production') await requireDurablePostgres(db.knex);
  const catalog = new AssetCatalog(db.knex, (error) => {
    log.warn('the asset catalog could not be refreshed', { error });
  });
  await catalog.start();
  const limits = new LimitBook(db.knex, defaultLimits(config), (error) => {
    log.warn('the risk limits could not be refreshed', { error });
  });
  await limits.start();
  const acceptanceWishes = new AcceptanceWishes(db.knex, (error) => {
    log.warn('who wants to hear of accepted orders could not be refreshed', { error });
  });
  const shards = Math.max(config.shards, await countShards(db.knex));
  const nudges = new Nudges(shards, redis, log);
  const bell = new EventBell(redis, EVENTS_CHANNEL);
  const messageBell = new EventBell(redis, MESSAGES_CHANNEL);
  const marketBell = new EventBell(redis, CHANGES_CHANNEL);
  const intake = new Intake({
    db,
    catalog,
    feeBps: config.feeBps,
    marketCollarBps: config.marketCollarBps,
    limits,
    nudge: (shards) => nudges.shards(shards),
    announce: (accountIds) => bell.ring(accountIds),
  });
  const venue = { knex: db.knex, log, venue: openQueue<VenueMessage>(VENUE_ORDERS_QUEUE, redis) };
  const executor = new Executor({
    db,
    log,
    worker: name,
    marketHours: config.marketHours,
    marketCollarBps: config.marketCollarBps,
    venueGoodForMs: config.venueGoodForMs,
    limits,
    acceptanceWishes,
    nudgeNotifications: () => nudges.notifications(),
    announce: (accountIds) => bell.ring(accountIds),
    announceMarket: (assetIds) => marketBell.ring(assetIds),
    tellVenue: (routeIds) => void tellVenue(venue, routeIds),
  });
  return {
    config,
    name,
    log,
    db,
    redis,
    catalog,
    limits,
    acceptanceWishes,
    nudges,
    intake,
    executor,
    venue,
    messageBell,
    nudgeNotifications() {
      nudges.mails();
      messageBell.ring([EVERYBODY]);
    },
    sealer: createSealer(config.secretsKey),
    async close() {
      catalog.stop();
      limits.stop();
      redis.disconnect();
      await Promise.all([db.close(), stopTracing()]);
    },
  };
}
