import { chmod, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { connectDatabase } from '../../../src/db.js';
import type { EmbeddedServer } from '../../../src/embedded/embedded-server.js';
import { freePort } from '../../../src/embedded/free-port.js';
import { livePid } from '../../../src/embedded/pid-file.js';
import { startPostgres } from '../../../src/embedded/postgres.js';
import { startRedis } from '../../../src/embedded/redis.js';
import type { PaymentEvent } from '../../../src/payment-provider/instructions.js';
import { signatureHeaders } from '../../../src/payment-provider/signature.js';
import { addEndpoints } from '../../bench/endpoints.js';
import { startFreshInstance } from '../../bench/instance.js';
import { BenchMailServer } from '../../bench/mail-server.js';
import { freePorts } from '../free-ports.js';
import { startSickWorker } from './sick-worker.js';
import type { Server, Stage, Undo } from './stage.js';

const SECRETS_KEY = 'only of the drill of alerts, and of nothing else';
const PROVIDER_SECRET = 'between the drill of alerts and its payment provider';
const PROCESSES_MAX = 10;
const CALL_TIMEOUT_MS = 10_000;
const ENDPOINTS_EACH = 3;
const MAX_CONNECTIONS = '150';

/** The product by its real processes, on servers that the drill can take away. */
export interface OpenStage extends Stage {
  /** A folder of the drill's own. */
  readonly folder: string;
  /** Of the files that tell Prometheus what to scrape. */
  readonly targetFiles: string;
  close(): Promise<void>;
}

export async function openStage(): Promise<OpenStage> {
  const folder = await mkdtemp(join(tmpdir(), 'brokerx-alerts-'));
  await chmod(folder, 0o711); // Postgres may run as another user
  const closes: Undo[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 5 })];
  const close = async (): Promise<void> => {
    for (const one of closes.reverse()) await one();
  };
  try {
    return { ...(await build(folder, closes)), folder, close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Built = Omit<OpenStage, 'folder' | 'close'>;

async function build(folder: string, closes: Undo[]): Promise<Built> {
  const serve = async (name: string, start: StartServer): Promise<Server> => {
    const server = await startServer(join(folder, name), start);
    closes.push(() => server.stop());
    return server;
  };
  const settings = { max_connections: MAX_CONNECTIONS };
  const postgres = await serve('postgres', (options) => startPostgres({ ...options, settings }));
  const queues = await serve('queues', startRedis);
  const cache = await serve('cache', startRedis);
  const mailServer = await BenchMailServer.start();
  closes.push(() => mailServer.stop());
  const env = {
    DATABASE_URL: postgres.url,
    REDIS_URL: queues.url,
    CACHE_REDIS_URL: cache.url,
    METRICS_PORT: String(await freePorts(PROCESSES_MAX)),
    MARKET_SIMULATOR: 'on',
    SMTP_URL: mailServer.url,
    SECRETS_KEY,
    PAYMENT_PROVIDER_SECRET: PROVIDER_SECRET,
    NOTIFICATION_WINDOW_MS: '1000',
    WEBHOOKS_ALLOW_HTTP: 'on',
    WEBHOOKS_ALLOW_PRIVATE: 'on',
    SURVEILLANCE_BURST_MESSAGES: '100000',
  };
  const instance = await startFreshInstance(2, { env });
  closes.push(() => instance.stop());
  const more = { ...process.env, ...env, DATA_DIR: instance.dataDir };
  const sickWorker = await startSickWorker(more, await freePort());
  closes.push(() => sickWorker.stop());
  await copyFile(
    join(instance.dataDir, 'metrics-targets.json'),
    join(folder, 'targets-instance.json'),
  );
  await writeFile(
    join(folder, 'targets-sick.json'),
    JSON.stringify([{ targets: [`127.0.0.1:${sickWorker.port}`], labels: { job: 'market-data' } }]),
  );
  closes.push(await addSilentEndpoints(instance.databaseUrl, instance.demo.clients));
  return {
    instance,
    postgres,
    queues,
    cache,
    mailServer,
    sickWorker,
    targetFiles: join(folder, 'targets-*.json'),
    pid: (name) => livePid(join(instance.dataDir, 'run', `${name}.json`)) ?? fail(name),
    ...sessions(postgres.url),
    call: caller(instance.url, instance.demo.clients),
    sayAsProvider: (event) => postEvent(instance.url, event),
  };
}

function fail(name: string): never {
  throw new Error(`${name} does not run`);
}

type StartServer = (options: { dataDir: string; port: number }) => Promise<EmbeddedServer>;

async function startServer(dataDir: string, start: StartServer): Promise<Server> {
  const port = await freePort();
  let running: EmbeddedServer | null = await start({ dataDir, port });
  return {
    url: running.url,
    async start() {
      running ??= await start({ dataDir, port });
    },
    async stop() {
      await running?.stop();
      running = null;
    },
    loseDisk: () => rm(join(dataDir, 'redis'), { recursive: true }),
  };
}

function sessions(connectionString: string): Pick<Stage, 'sql' | 'hold'> {
  const open = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  return {
    async sql(text) {
      const client = await open();
      try {
        return await client.query(text);
      } finally {
        await client.end();
      }
    },
    async hold(statement) {
      const client = await open();
      await client.query('begin');
      await client.query(statement);
      return () => client.end();
    },
  };
}

type Client = { readonly key_id: string; readonly secret_key: string };

/** By turns with the key of each client. */
function caller(url: string, clients: readonly Client[]): Stage['call'] {
  let turn = 0;
  return async (method, path, body) => {
    const { key_id, secret_key } = clients[turn++ % clients.length]!;
    const answer = await fetch(`${url}${path}`, {
      method,
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      headers: {
        'APCA-API-KEY-ID': key_id,
        'APCA-API-SECRET-KEY': secret_key,
        'Content-Type': 'application/json',
        ...(method === 'POST' && { 'Idempotency-Key': randomUUID() }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    await answer.arrayBuffer();
    return answer.status;
  };
}

/** Signed as the payment provider signs. */
async function postEvent(url: string, event: PaymentEvent): Promise<number> {
  const body = JSON.stringify(event);
  const signed = signatureHeaders(PROVIDER_SECRET, { id: event.id, sentAt: new Date(), body });
  const answer = await fetch(`${url}/v2/payment_provider/callbacks`, {
    method: 'POST',
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    headers: { 'Content-Type': 'application/json', ...signed },
    body,
  });
  await answer.arrayBuffer();
  return answer.status;
}

/** Webhooks to somebody who takes every connection and never answers. */
async function addSilentEndpoints(
  databaseUrl: string,
  clients: readonly { readonly account_id: string }[],
): Promise<Undo> {
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const db = connectDatabase(databaseUrl, 'drill', 2);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const accountIds = clients.map(({ account_id }) => account_id);
  for (let count = 0; count < ENDPOINTS_EACH; count += 1) {
    await addEndpoints(db, accountIds, url, SECRETS_KEY);
  }
  await db.close();
  return () => void server.close();
}
