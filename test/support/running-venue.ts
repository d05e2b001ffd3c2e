import type { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { VENUE_REPORTS_QUEUE } from '../../src/external-venue/messages.js';
import { openQueue } from '../../src/queue/queues.js';
import { connectRedis, workerOptions } from '../../src/redis.js';
import { lookAfterRoutes } from '../../src/venue/look-after-routes.js';
import { startExternalVenue } from '../../workers/external-venue.js';
import { startOrderWorkers } from '../../workers/orders.js';
import { startVenueReportWorker } from '../../workers/venue-reports.js';
import type { Trading } from './trading.js';

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };
const LOOK_EVERY_MS = 200;
const PATIENCE_MS = 120_000;

/** The external venue and our workers beside it, in this process, with real queues between them. */
export interface RunningVenue {
  /** Loses what is on its way, in both directions. */
  loseMessages(): Promise<void>;
  /** From now on everything that is open is asked about again and again. */
  hurry(): void;
  stop(): Promise<void>;
}

/** Works on everything as the workers of the product do, until stopped; behaves as the settings say. */
export function runVenue(trading: Trading): RunningVenue {
  const { config, db, executor, nudges, venue, redis } = trading.container;
  const connection: Redis = connectRedis(config.redisUrl, workerOptions, () => undefined);
  const log = QUIET as unknown as typeof venue.log;
  const external = startExternalVenue(connection, { config, log, redis });
  const reports = openQueue(VENUE_REPORTS_QUEUE, redis);
  const receiving = startVenueReportWorker(connection, {
    knex: db.knex,
    log,
    nudge: (shards) => nudges.shards(shards),
  });
  const workers: Worker[] = [
    ...startOrderWorkers(nudges.shardQueues.length, connection, executor),
    receiving,
  ];
  let ahead = 0;
  let step = 0;
  const upkeep = setInterval(() => {
    ahead += step;
    const now = () => new Date(Date.now() + ahead);
    void lookAfterRoutes({ ...venue, log, now }).catch(() => undefined);
  }, LOOK_EVERY_MS);
  return {
    async loseMessages() {
      await Promise.all([venue.venue.drain(), reports.drain()]);
    },
    hurry() {
      step = PATIENCE_MS;
    },
    async stop() {
      clearInterval(upkeep);
      await Promise.all([external.stop(), ...workers.map((worker) => worker.close())]);
      connection.disconnect();
    },
  };
}
