import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { VENUE_REPORTS_QUEUE } from '../src/external-venue/messages.js';
import { workerSettings } from '../src/queue/queues.js';
import { receiveReport, type ReceiveReportDeps } from '../src/venue/receive-report.js';

const REPORTS_AT_ONCE = 4;

/** What the external venue says: kept, and handed to the shards. */
export const startVenueReportWorker = (connection: Redis, deps: ReceiveReportDeps): Worker =>
  new Worker(VENUE_REPORTS_QUEUE, ({ data }) => receiveReport(deps, data), {
    ...workerSettings(VENUE_REPORTS_QUEUE, connection),
    concurrency: REPORTS_AT_ONCE,
  });
