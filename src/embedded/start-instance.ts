import { readSymbols } from '../assets/prices.js';
import { migrateToLatest } from '../commands/migrate.js';
import { seedDemo } from '../commands/seed-demo.js';
import { readConfig, type Config } from '../config.js';
import { connectKnex } from '../db.js';
import { checkReplay } from '../market/replay-file.js';
import { showsOutbox } from '../notifications/outbox-routes.js';
import { claimDataDir } from './claim-data-dir.js';
import { startDatabases } from './databases.js';
import { banner, removeDemoFile, writeDemoFile } from './demo.js';
import { claimPort } from './free-port.js';
import { startProcesses, untilReady } from './product-processes.js';
import { reachableHost } from './reachable-host.js';
import { watchCompiled } from './watch.js';

/** Something that was started and how to stop it. */
export interface Started {
  readonly name: string;
  readonly stop: () => Promise<void> | void;
}

/** What an instance is started with. */
export interface InstanceOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Start the processes again when their compiled code changes. */
  readonly watch: boolean;
  /** Gives the start up between two steps. */
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  /** Filled as things start; whoever stops the instance stops them from the last to the first. */
  readonly started: Started[];
}

/** readConfig wants addresses; ours are known only after the servers have started. */
const NOT_YET_KNOWN = { DATABASE_URL: 'postgres://127.0.0.1', REDIS_URL: 'redis://127.0.0.1' };

/**
 * Starts a whole instance: databases, schema, demo data, API, workers and market. Returns when it is
 * ready and `demo.json` is written.
 * @throws Error with a message for the person who started it
 */
export async function startInstance(options: InstanceOptions): Promise<void> {
  const { signal, say, started } = options;
  const env = withoutEmpty(options.env);
  const settings = readConfig({ ...NOT_YET_KNOWN, ...env });
  const dataDir = await claimDataDir(settings.dataDir);
  started.push({ name: 'supervisor.json', stop: dataDir.release });
  const port = await claimPort(settings.port, settings.host);
  signal.throwIfAborted();

  const { databaseUrl, redisUrl } = await startDatabases(
    { databaseUrl: env['DATABASE_URL'], redisUrl: env['REDIS_URL'] },
    dataDir.path,
    say,
    (name, server) => started.push({ name, stop: () => server.stop() }),
  );
  signal.throwIfAborted();
  say('Postgres and Redis are up; migrating and seeding');
  await migrateToLatest(databaseUrl);
  signal.throwIfAborted();
  const childEnv = {
    ...options.env, // with the empty ones, which keep .env from setting them
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    DATA_DIR: dataDir.path,
    PORT: String(port),
  };
  const config = readConfig(childEnv);
  const { clients, admin, staff } = await seedDemo(config);
  signal.throwIfAborted();
  await checkReplayFile(config);
  signal.throwIfAborted();

  say('Starting the API, the workers and the market');
  const processes = startProcesses(config, childEnv, say);
  started.push(...processes.map((one) => ({ name: one.name, stop: () => one.stop() })));
  const url = `http://${reachableHost(config)}:${port}`;
  await untilReady(url, processes, signal);
  const addresses = { url, pid: process.pid, database_url: databaseUrl, redis_url: redisUrl };
  const demo = { ...addresses, clients, admin, staff };
  started.push({ name: 'demo.json', stop: () => removeDemoFile(dataDir.path) });
  writeDemoFile(dataDir.path, demo);
  say(banner(demo, dataDir.path, showsOutbox(config)));
  if (options.watch) started.push(watchCompiled(processes, say));
}

/** A bad file would otherwise show in the log of the market's process alone. */
async function checkReplayFile(config: Config): Promise<void> {
  if (!config.marketReplay || !config.marketSimulator) return;
  const knex = connectKnex(config.databaseUrl, 'start', 1);
  try {
    const symbols = await readSymbols(knex);
    await checkReplay(config.marketReplay.file, (symbol) => symbols.has(symbol));
  } finally {
    await knex.destroy();
  }
}

/** `DATABASE_URL=` in an environment file means the same as no line at all. */
const withoutEmpty = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
