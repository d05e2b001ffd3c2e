import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'bullmq';
import { loadDotEnv, readConfig, type WorkerRole } from '../src/config.js';
import { createContainer, redisErrorLogger, type Container } from '../src/container.js';
import { checkReplay } from '../src/market/replay-file.js';
import { VENUE_REPORTS_QUEUE } from '../src/external-venue/messages.js';
import { checkMailServer, createMailer } from '../src/notifications/mailer.js';
import { MAINTENANCE_QUEUE, openQueue } from '../src/queue/queues.js';
import { tellBuild } from '../src/build-info.js';
import { startMetricsServer } from '../src/http/metrics-server.js';
import { workerRoles } from '../src/metrics.js';
import { publishMetrics } from '../src/process-metrics.js';
import { watchServers } from '../src/servers/watch-servers.js';
import { connectRedis, requireNoEviction, workerOptions } from '../src/redis.js';
import { startExternalVenue } from './external-venue.js';
import { startKillSwitchWatch } from './kill-switch.js';
import { ensureSchedules, measureQueues, startMaintenanceWorker } from './maintenance.js';
import { maintenanceDeps, transferDeps } from './maintenance-deps.js';
import { startMarket } from './market.js';
import { startMailWorker } from './mails.js';
import { startMarketData } from './market-data.js';
import { startNotificationWorker } from './notifications.js';
import { startOrderWorkers } from './orders.js';
import { observeWorker } from './observe.js';
import { startPaymentProvider } from './payment-provider.js';
import { startPriceBands } from './price-bands.js';
import { startVenueReportWorker } from './venue-reports.js';
import { startTransferWorker } from './transfers.js';
import { startWatchdog } from './watchdog.js';
import { startWebhooks } from './webhooks.js';

const LOOK_AFTER_QUEUES_EVERY_MS = 5_000;
/** `worker.close()` waits for running jobs, and for ever when Redis is down. */
const CLOSE_TIMEOUT_MS = 8_000;

/** Roles that take no jobs, and so do not care how Redis is set up. */
const WITHOUT_JOBS: readonly WorkerRole[] = ['market', 'market-data'];

/** A follower never quotes; it is ready all the same. */
const MARKET_FIRST_QUOTES_MS = 3_000;

type Stop = () => Promise<void> | void;

/** A worker process: takes the roles of WORKER_ROLES (all by default) until SIGTERM. */
async function main(): Promise<void> {
  loadDotEnv();
  const config = readConfig(process.env);
  const container = await createContainer(config, `worker-${config.workerRoles.join('-')}`);
  const { log } = container;
  const stops: Stop[] = [];
  let stopping = false;

  const stop = async (reason: string, exitCode: number): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info('worker stops', { reason });
    const closed = Promise.allSettled(stops.map(async (one) => one()));
    await Promise.race([closed, sleep(CLOSE_TIMEOUT_MS)]);
    await Promise.race([container.close(), sleep(1_000)]);
    process.exit(exitCode);
  };
  process.on('SIGTERM', () => void stop('SIGTERM', 0));
  process.on('SIGINT', () => void stop('SIGINT', 0));
  if (process.channel) process.on('disconnect', () => void stop('the supervisor is gone', 0));

  let isReady = false;
  stops.push(await startMetrics(container, () => isReady));
  await checkSettings(container);
  await startRoles(container, stops, (reason) => {
    log.error('the watchdog ends this worker', { reason });
    void stop(reason, 1);
  });
  isReady = true;
  for (const role of config.workerRoles) workerRoles.set({ role }, 1);
  log.info('worker is ready', { roles: config.workerRoles });
  process.send?.('ready');
}

/** On a port of its own where it has one; else the API's `/metrics` tells it all. */
async function startMetrics(container: Container, isReady: () => boolean): Promise<Stop> {
  const { config, log, redis, name } = container;
  tellBuild(`worker-${config.workerRoles.join('-')}`, config.buildCommit);
  const unwatch = watchServers(container, {
    isThorough: config.workerRoles.includes('maintenance'),
  });
  const { host, metricsPort: port } = config;
  const stop =
    port === null
      ? publishMetrics(redis, name)
      : await startMetricsServer({ host, port, isReady, log });
  return async () => {
    await unwatch();
    await stop();
  };
}

/** What `readConfig` cannot see. @throws Error with a message for who starts it */
async function checkSettings({ config, catalog }: Container): Promise<void> {
  const { marketReplay: replay, marketSimulator, workerRoles } = config;
  if (!replay || !marketSimulator || !workerRoles.includes('market')) return;
  await checkReplay(replay.file, (symbol) => catalog.find(symbol) !== undefined);
}

async function startRoles(
  container: Container,
  stops: Stop[],
  exit: (reason: string) => void,
): Promise<void> {
  const { config, db, log, acceptanceWishes, executor, nudges, sealer } = container;
  const transfers = transferDeps(container);
  const redis = connectRedis(config.redisUrl, workerOptions, redisErrorLogger(log));
  const has = (role: WorkerRole) => config.workerRoles.includes(role);
  const workers: Worker[] = [];

  stops.push(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    redis.disconnect();
  });
  if (config.workerRoles.some((role) => !WITHOUT_JOBS.includes(role))) {
    await requireNoEviction(redis, log, config.nodeEnv);
  }
  if (has('orders')) {
    await acceptanceWishes.start();
    stops.push(() => acceptanceWishes.stop());
    workers.push(...startOrderWorkers(nudges.shardQueues.length, redis, executor));
    workers.push(
      startVenueReportWorker(redis, {
        knex: db.knex,
        log,
        nudge: (shards) => nudges.shards(shards),
      }),
    );
    stops.push(startWatchdog({ knex: db.knex, redis, executor, log, exit }));
  }
  if (has('notifications')) {
    void checkMailServer(config, log); // tells; nothing waits for it
    workers.push(
      startNotificationWorker(redis, {
        knex: db.knex,
        log,
        windowMs: config.notificationWindowMs,
        announce: (clientIds) => container.messageBell.ring(clientIds),
        nudgeMails: () => nudges.mails(),
        nudgeAt: (time) => nudges.notificationsAt(time),
      }),
      startMailWorker(redis, {
        db,
        log,
        mailer: createMailer(config),
        config,
        sealer,
        onDead: (letter) => nudges.deadMail(letter),
      }),
    );
  }
  if (has('webhooks')) {
    const webhooks = startWebhooks(redis, container);
    observeWorker(webhooks.worker, log);
    stops.push(webhooks.stop);
  }
  if (has('transfers')) workers.push(startTransferWorker(redis, transfers));
  if (has('payments')) {
    const provider = startPaymentProvider(redis, { config, log });
    observeWorker(provider.worker, log);
    stops.push(provider.stop);
  }
  if (has('venue')) {
    const venue = startExternalVenue(redis, { config, log, redis: container.redis });
    observeWorker(venue.worker, log);
    stops.push(venue.stop);
  }
  if (has('maintenance')) {
    stops.push(startKillSwitchWatch({ knex: db.knex, nudges, log }));
    stops.push(startPriceBands(container));
    workers.push(startMaintenanceWorker(redis, maintenanceDeps(container, transfers)));
    const queue = openQueue(MAINTENANCE_QUEUE, container.redis);
    const queues = [
      ...nudges.shardQueues,
      nudges.notificationQueue,
      nudges.webhookQueue,
      nudges.mailQueue,
      nudges.transferQueue,
      transfers.payments,
      container.venue.venue,
      openQueue(VENUE_REPORTS_QUEUE, container.redis),
      queue,
    ];
    const lookAfter = async () => {
      try {
        await ensureSchedules(queue);
        await measureQueues(queues);
      } catch (error) {
        log.debug('the queues could not be looked after', { error }); // Redis is away
      }
    };
    await lookAfter();
    const timer = setInterval(() => void lookAfter(), LOOK_AFTER_QUEUES_EVERY_MS);
    stops.push(() => clearInterval(timer));
  }
  if (has('market-data')) stops.push(startMarketData(container));
  if (has('market') && config.marketSimulator) {
    const market = startMarket(container);
    stops.push(market.stop);
    await Promise.race([market.quoted, sleep(MARKET_FIRST_QUOTES_MS)]);
  }
  for (const worker of workers) observeWorker(worker, log);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
