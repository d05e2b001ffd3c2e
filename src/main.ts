import { once } from 'node:events';
import { Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApiServer, type ApiServer } from './api-server.js';
import { tellBuild } from './build-info.js';
import { loadDotEnv, readConfig } from './config.js';
import { createContainer, type Container } from './container.js';
import { startMetricsServer } from './http/metrics-server.js';
import { createIdentity } from './identity/identity.js';
import { LedgerProver } from './ledger/proof.js';
import { PAYMENTS_QUEUE } from './payment-provider/instructions.js';
import { VENUE_REPORTS_QUEUE } from './external-venue/messages.js';
import { MAINTENANCE_QUEUE, openQueue } from './queue/queues.js';
import { readWaitingWork } from './queue/sweeper.js';
import { watchServers } from './servers/watch-servers.js';

/** Time for a load balancer to see that `/ready` says no. */
const NOTICE_MS = 500;
/** Time for the last request of a connection, before idle ones are closed. */
const LAST_REQUEST_MS = 300;
const DRAIN_MAX_MS = 10_000;
const CLOSE_MAX_MS = 2_000;
const LOOK_AT_WORK_EVERY_MS = 5_000;

/** The API process: settings, container, listen; SIGTERM drains. */
async function main(): Promise<void> {
  loadDotEnv();
  const config = readConfig(process.env);
  const container = await createContainer(config, 'api');
  const { log, db, catalog, redis, intake, nudges, nudgeNotifications, sealer } = container;
  const identity = createIdentity({
    db,
    config,
    sealer,
    nudgeNotifications,
    onError: (error) => log.warn('revocations or uses of keys are not up to date', { error }),
  });
  await identity.start();

  let stopping = false;
  const stopMetrics = await startMetrics(container, () => !stopping);
  const api = createApiServer({
    config,
    log,
    db,
    catalog,
    redis,
    intake,
    identity,
    prover: new LedgerProver(db.knex),
    nudge: (shards) => nudges.shards(shards),
    nudgeNotifications,
    nudgeTransfers: () => nudges.transfers(),
    nudgeWebhooks: (endpointIds) => nudges.webhooks(endpointIds),
    sealer,
    queues: [
      ...nudges.shardQueues,
      nudges.notificationQueue,
      nudges.webhookQueue,
      nudges.mailQueue,
      nudges.transferQueue,
      openQueue(PAYMENTS_QUEUE, redis),
      container.venue.venue,
      openQueue(VENUE_REPORTS_QUEUE, redis),
      openQueue(MAINTENANCE_QUEUE, redis),
    ],
    now: () => new Date(),
    isStopping: () => stopping,
  });
  const { server } = api;
  server.listen(config.port, config.host);
  await once(server, 'listening');
  log.info('listening', { url: `http://${config.host}:${config.port}` });

  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    log.info('stopping', { signal });
    identity.stop();
    void drain(api, container, stopMetrics).then((clean) => process.exit(clean ? 0 : 1));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** Watches the servers and the work that waits: there may be no worker left that tells of it. */
async function startMetrics(container: Container, isReady: () => boolean): Promise<Stop> {
  const { config, db, log } = container;
  tellBuild('api', config.buildCommit);
  const unwatch = watchServers(container, { isThorough: true });
  const timer = setInterval(() => {
    readWaitingWork(db.knex).catch((error: unknown) => {
      log.debug('waiting work could not be read', { error });
    });
  }, LOOK_AT_WORK_EVERY_MS);
  const { host, metricsPort: port } = config;
  const stop = port === null ? null : await startMetricsServer({ host, port, isReady, log });
  return async () => {
    clearInterval(timer);
    await stop?.();
    await unwatch();
  };
}

type Stop = () => Promise<void>;

/**
 * Takes no new connections, ends the streams, lets requests under way finish, and closes everything.
 * @returns false when something had to be cut off
 */
async function drain(
  { server, streams, cache }: ApiServer,
  container: Container,
  stopMetrics: Stop,
): Promise<boolean> {
  await sleep(NOTICE_MS);
  const closed = once(server, 'close');
  // The listener alone: http's own close() also cuts connections whose request is on its way.
  NetServer.prototype.close.call(server);
  streams.stop(); // after that: their clients connect again at once, and must get elsewhere
  const hangUp = setInterval(() => server.closeIdleConnections(), LAST_REQUEST_MS);
  const finished = await within(DRAIN_MAX_MS, closed);
  clearInterval(hangUp);
  if (!finished) {
    container.log.warn('requests were cut off', { after_ms: DRAIN_MAX_MS });
    server.closeAllConnections();
  }
  cache.close();
  const disconnected = stopMetrics().then(() => container.close());
  return (await within(CLOSE_MAX_MS, disconnected)) && finished;
}

/** Whether it was done in time. */
async function within(limitMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, limitMs, false);
  });
  const done = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return done;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  setImmediate(() => process.exit()); // connections may be open already
});
