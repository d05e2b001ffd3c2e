import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { SeededAccount } from '../../src/commands/seed.js';
import pg from 'pg';
import type { Demo } from '../../src/embedded/demo.js';
import { livePid } from '../../src/embedded/pid-file.js';

/**
 * The whole product, started for one measurement, without a rate limit and with the market quiet unless
 * it is what is measured.
 */
export interface Instance {
  url: string;
  databaseUrl: string;
  redisUrl: string;
  /** Its data, and what it tells of itself. */
  dataDir: string;
  demo: Demo;
  /** Of the API process. */
  apiPid: number;
  /** Of the market's process; 0 while the market is quiet. */
  marketPid: number;
  proof(account: SeededAccount): Promise<{ balanced: boolean }>;
  /** Ends it and keeps its data. */
  end(): Promise<void>;
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 60_000;
const START = fileURLToPath(new URL('../../src/embedded/start.js', import.meta.url));

export interface InstanceOptions {
  /** Whether Postgres notes when each transaction was committed; it is started twice for that. */
  commitTimes?: boolean;
  /** Settings beside those of every benchmark. */
  env?: Record<string, string>;
}

/**
 * Starts it on data of its own.
 * @throws Error when it is not ready within a minute
 */
export async function startFreshInstance(
  workers: number,
  { commitTimes = false, env = {} }: InstanceOptions = {},
): Promise<Instance> {
  const dataDir = await mkdtemp(join(tmpdir(), 'brokerx-bench-'));
  const first = await startInstance(dataDir, workers, env);
  if (!commitTimes) return first;
  const client = new pg.Client({ connectionString: first.databaseUrl });
  await client.connect();
  await client.query('alter system set track_commit_timestamp = on');
  await client.end();
  await first.end();
  return startInstance(dataDir, workers, env);
}

async function startInstance(
  dataDir: string,
  workers: number,
  env: Record<string, string>,
): Promise<Instance> {
  const child = spawn(process.execPath, [START], {
    env: {
      ...process.env,
      DATA_DIR: dataDir,
      PORT: String(await freePort()),
      MARKET_SIMULATOR: 'off',
      RATE_LIMIT_PER_MIN: '0',
      WORKERS: String(workers),
      LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'info',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  const end = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  const stop = async (): Promise<void> => {
    await end();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const demo = await readDemo(join(dataDir, 'demo.json'), () => child.exitCode !== null);
    return {
      url: demo.url,
      databaseUrl: demo.database_url,
      redisUrl: demo.redis_url,
      dataDir,
      demo,
      apiPid: livePid(join(dataDir, 'run', 'api.json')) ?? 0,
      marketPid: livePid(join(dataDir, 'run', 'market.json')) ?? 0,
      proof: async ({ key_id, secret_key }) => {
        const answer = await fetch(`${demo.url}/v2/ledger/proof`, {
          headers: { 'APCA-API-KEY-ID': key_id, 'APCA-API-SECRET-KEY': secret_key },
        });
        return (await answer.json()) as { balanced: boolean };
      },
      end,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function readDemo(file: string, gone: () => boolean): Promise<Demo> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadline && !gone()) {
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text !== null) return JSON.parse(text) as Demo;
    await sleep(100);
  }
  throw new Error('the instance did not become ready');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
