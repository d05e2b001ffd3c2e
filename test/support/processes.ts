import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isRunning, livePid } from '../../src/embedded/pid-file.js';
import type { Demo } from '../../src/embedded/demo.js';
import { freePort } from '../../src/embedded/free-port.js';
import { createEmptyDatabase } from './database.js';
import { createTestRedis } from './redis.js';

const DIST = fileURLToPath(new URL('../../dist/src/embedded/', import.meta.url));
const START_FILE = join(DIST, 'start.js');
const END_WITH_PARENT = pathToFileURL(join(DIST, 'end-with-parent.js')).href;
const READY_WITHIN_MS = 60_000;
const POLL_MS = 50;

/** How a product ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The whole product, running as `npm start` runs it. */
export interface Product {
  readonly demo: Demo;
  readonly dataDir: string;
  /** Everything that it has printed. */
  output(): string;
  /** Process numbers by name: api, worker-1, payments, market-data, market, postgres, redis; only those that run. */
  pids(): Promise<Record<string, number>>;
  /** Ends the supervisor in the given way (SIGTERM by default) and waits until it is gone. */
  end(signal?: NodeJS.Signals): Promise<Ended>;
  /** Stops everything and removes its data. */
  stop(): Promise<void>;
}

export interface ProductOptions {
  /** Settings, such as MARKET_SIMULATOR; PORT is a free one unless given. */
  readonly env?: Readonly<Record<string, string>>;
  /** A folder of an earlier product, to start again on its data. */
  readonly dataDir?: string;
  /** With Postgres and Redis of its own, instead of databases on the tests' servers. */
  readonly embedded?: boolean;
}

/** A folder for DATA_DIR that an embedded Postgres can reach, below the run's own folder. */
export async function createDataDir(): Promise<string> {
  const folder = await mkdtemp(join(process.env['BROKERX_TEST_DIR'] ?? tmpdir(), 'product-'));
  await chmod(folder, 0o711);
  return folder;
}

/**
 * Starts the compiled product in processes of its own and waits until it is ready.
 * @throws Error with its output when it ends instead
 */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const dataDir = options.dataDir ?? (await createDataDir());
  const stores = options.embedded ? null : await createStores();
  const env = { ...stores?.env, ...options.env };
  const launched = await launchProduct(dataDir, env);
  const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
    launched.child.kill(signal);
    return launched.ended;
  };
  const stop = async () => {
    await end();
    await untilNoneLeft(dataDir);
    await stores?.drop();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const demo = await readDemo(dataDir, launched);
    return { demo, dataDir, output: launched.output, pids: () => pidsOf(dataDir), end, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Launched {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly output: () => string;
}

/**
 * Starts the product without waiting for anything, as for a start that is expected to fail.
 * @param env all of its environment but PATH and HOME: nothing of ours may leak in
 */
export async function launchProduct(
  dataDir: string,
  env: Readonly<Record<string, string>>,
): Promise<Launched> {
  const child = spawn(process.execPath, ['--import', END_WITH_PARENT, START_FILE], {
    cwd: dataDir, // where there is no .env
    detached: true,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PORT: String(await freePort()),
      DATA_DIR: dataDir,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const output: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => output.push(chunk));
  const ended = new Promise<Ended>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  return { child, ended, output: () => Buffer.concat(output).toString('utf8') };
}

async function createStores() {
  const [database, redis] = await Promise.all([createEmptyDatabase(), createTestRedis()]);
  return {
    env: { DATABASE_URL: database.url, REDIS_URL: redis.url },
    drop: async () => {
      database.drop();
      await redis.close();
    },
  };
}

async function readDemo(dataDir: string, { child, output }: Launched): Promise<Demo> {
  const until = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const text = await readFile(join(dataDir, 'demo.json'), 'utf8').catch(() => null);
    const demo = text === null ? null : (JSON.parse(text) as Demo);
    if (demo?.pid === child.pid) return demo as Demo; // not one that a killed product left
    if (child.exitCode !== null) throw new Error(`The product did not start:\n${output()}`);
    if (performance.now() > until) throw new Error(`The product is not ready:\n${output()}`);
    await sleep(POLL_MS);
  }
}

async function pidsOf(dataDir: string): Promise<Record<string, number>> {
  const run = join(dataDir, 'run');
  const own = await readdir(run).catch(() => []);
  const files = own.map((name) => [name.replace(/\.json$/, ''), join(run, name)] as const);
  const servers = ['postgres', 'redis'].map(
    (name) => [name, join(dataDir, name, 'server.json')] as const,
  );
  const pids = [...files, ...servers].map(([name, file]) => [name, livePid(file)] as const);
  return Object.fromEntries(pids.filter((entry): entry is [string, number] => entry[1] !== null));
}

/** Every running process that was started for this folder, the small ones included. */
export async function processesOf(dataDir: string): Promise<number[]> {
  if (process.platform !== 'linux') return Object.values(await pidsOf(dataDir));
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!pid || pid === process.pid) continue;
    const texts = ['cmdline', 'environ'].map((file) =>
      readFile(`/proc/${name}/${file}`, 'utf8').catch(() => ''),
    );
    const mentions = (await Promise.all(texts)).some((text) => text.includes(dataDir));
    if (mentions && isRunning(pid)) found.push(pid);
  }
  return found;
}

/** Waits until the last process of a folder is gone. @throws Error after the given time */
export async function untilNoneLeft(dataDir: string, withinMs = 20_000): Promise<void> {
  const until = performance.now() + withinMs;
  for (;;) {
    const left = await processesOf(dataDir);
    if (left.length === 0) return;
    if (performance.now() > until)
      throw new Error(`Processes were left behind: ${left.join(', ')}`);
    await sleep(POLL_MS);
  }
}
