import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Config } from '../src/config.js';
import { connectKnex } from '../src/db.js';
import { isOut } from '../src/external-venue/behaviour.js';
import { deliverReports } from '../src/external-venue/deliver-reports.js';
import {
  VENUE_ORDERS_QUEUE,
  VENUE_REPORTS_QUEUE,
  type VenueMessage,
  type VenueReport,
} from '../src/external-venue/messages.js';
import { handleMessage } from '../src/external-venue/orders.js';
import type { Logger } from '../src/log.js';
import { openQueue, workerSettings } from '../src/queue/queues.js';

export interface ExternalVenueDeps {
  readonly config: Pick<Config, 'databaseUrl' | 'venue'>;
  readonly log: Logger;
  /** For its reports: fails at once while Redis is away. */
  readonly redis: Redis;
}

/** The simulated external venue, while it runs. */
export interface ExternalVenue {
  readonly worker: Worker<VenueMessage>;
  readonly stop: () => Promise<void>;
}

const ROLE = 'brokerx_external_venue';
const CONNECTIONS = 4;
const MESSAGES_AT_ONCE = 4;
const REPORTS_AT_ONCE = 100;
const LOOK_EVERY_MS = 50;
const AWAY_PAUSE_MS = 500;

/**
 * Runs the external venue: another company, as far as the rest of the product can tell. It takes orders
 * from its queue, keeps them in a schema that only its own role sees, and answers on the customer's
 * queue. What it still has to say is due in its table, so neither its death nor Redis' loses anything.
 */
export function startExternalVenue(
  connection: Redis,
  { config, log, redis }: ExternalVenueDeps,
): ExternalVenue {
  const knex = connectKnex(config.databaseUrl, 'external-venue', CONNECTIONS, ROLE);
  const reports = openQueue<VenueReport>(VENUE_REPORTS_QUEUE, redis);
  const { venue: behaviour } = config;
  const worker = new Worker<VenueMessage>(
    VENUE_ORDERS_QUEUE,
    async ({ data }) => {
      if (isOut(behaviour, new Date())) throw new Error('the venue is out: try again');
      await handleMessage(knex, behaviour, data, () => new Date());
    },
    { ...workerSettings(VENUE_ORDERS_QUEUE, connection), concurrency: MESSAGES_AT_ONCE },
  );

  const stopping = new AbortController();
  const pause = (ms: number) =>
    sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  const deliverAll = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const now = new Date();
        const told = isOut(behaviour, now)
          ? 0
          : await deliverReports({ knex, reports }, REPORTS_AT_ONCE, now);
        if (told === 0) await pause(LOOK_EVERY_MS);
      } catch (error) {
        log.warn('the external venue could not tell what is due', { error });
        await pause(AWAY_PAUSE_MS);
      }
    }
  };
  const ended = deliverAll();
  return {
    worker,
    async stop() {
      stopping.abort();
      await Promise.all([worker.close(), ended]);
      await knex.destroy();
    },
  };
}
