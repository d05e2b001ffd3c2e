import { cpus } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SeededAccount } from '../../src/commands/seed.js';
import { connectDatabase, type Database } from '../../src/db.js';
import { drained, readSymbols, seedTraders } from './floor.js';
import { startFreshInstance } from './instance.js';
import { percentile } from './load.js';
import { readOptions } from './options.js';
import { runPacedLoad } from './paced-load.js';
import { cpuOf, rssOf } from './process-use.js';
import { StreamClients } from './stream-clients.js';

/**
 * `npm run bench:streams`: how long a fill takes from the commit of its execution (Postgres' own commit
 * time stamps) to the clients that listen on `/stream`, at a steady rate of orders, and the memory of the API process meanwhile. Everything runs
 * on this machine, the clients too. The last line is one JSON object.
 */

const SYMBOLS = 20;
const SETTLED_WITHIN_MS = 10_000;
const SAMPLE_MS = 500;
const DEFAULTS = {
  clients: 1_000,
  accounts: 500,
  rate: 500,
  seconds: 20,
  'warmup-seconds': 5,
  workers: 1,
};
type Options = typeof DEFAULTS;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** The API's own figure: from the time in an event to the moment it sends it, as a sum in seconds. */
async function lagOf(url: string): Promise<{ sum: number; count: number }> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const [sum, count] = ['sum', 'count'].map((part) =>
    Number(new RegExp(`^brokerx_stream_lag_seconds_${part} (\\S+)`, 'm').exec(text)?.[1] ?? 0),
  );
  return { sum: sum!, count: count! };
}

/** Where every account's log ends. */
async function lastEventIds(db: Database): Promise<Map<string, number>> {
  const rows = await db
    .knex('accounts')
    .select<{ id: string; last_event_id: bigint }[]>(['id', 'last_event_id']);
  return new Map(rows.map(({ id, last_event_id: lastId }) => [id, Number(lastId)]));
}

/** Events in the log since then, each as often as its account has clients. */
async function countExpected(
  db: Database,
  since: ReadonlyMap<string, number>,
  accounts: readonly SeededAccount[],
  clients: number,
): Promise<number> {
  const now = await lastEventIds(db);
  let expected = 0;
  for (let client = 0; client < clients; client += 1) {
    const { account_id: id } = accounts[client % accounts.length]!;
    expected += now.get(id)! - since.get(id)!;
  }
  return expected;
}

/** When each fill was committed, in ms since 1970. */
async function latenciesMs(db: Database, { arrivals }: StreamClients): Promise<number[]> {
  const { rows } = await db.knex.raw<{ rows: { id: string; at: number }[] }>(
    `select account_id || ' ' || event_id as id,
      (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000)::float8 as at
     from account_events where type in ('fill', 'partial_fill')`,
  );
  const committed = new Map(rows.map(({ id, at }) => [id, at]));
  return arrivals.map(
    ({ accountId, eventId, at }) => at - committed.get(`${accountId} ${eventId}`)!,
  );
}

interface Measured {
  latenciesMs: number[];
  sent: number;
  accepted: number;
  expected: number;
  rssMb: number;
  idleRssMb: number;
  /** From an event to its sending by the API, on average. */
  sentAfterMs: number;
  /** How late this process itself is, the 95th percentile: it is in every figure above. */
  ownDelayMs: number;
  /** Processor time of the API for each second of load. */
  cpu: number;
}

async function measure(
  options: Options,
  listening: StreamClients,
  floor: Floor,
): Promise<Measured> {
  const { db, accounts, apiPid } = floor;
  const load = { ...floor, perSecond: options.rate };
  say(`Warming up for ${options['warmup-seconds']} s`);
  await runPacedLoad({ ...load, seconds: options['warmup-seconds'], seed: 2 });
  await drained(db);
  await sleep(1_000);
  listening.reset();
  const before = await lastEventIds(db);
  const idleRssMb = rssOf(apiPid);
  const cpuBefore = cpuOf(apiPid);
  const lagBefore = await lagOf(floor.url);
  const ownDelay = monitorEventLoopDelay({ resolution: 1 });
  ownDelay.enable();
  let rssMb = idleRssMb;
  const sampling = setInterval(() => (rssMb = Math.max(rssMb, rssOf(apiPid))), SAMPLE_MS);
  say(`Submitting ${options.rate} orders/s for ${options.seconds} s`);
  const { sent, accepted } = await runPacedLoad({ ...load, seconds: options.seconds, seed: 1 });
  await drained(db);
  const expected = await countExpected(db, before, accounts, options.clients);
  const until = performance.now() + SETTLED_WITHIN_MS;
  while (listening.received < expected && performance.now() < until) await sleep(20);
  clearInterval(sampling);
  ownDelay.disable();
  const lag = await lagOf(floor.url);
  const sentAfterMs = (1_000 * (lag.sum - lagBefore.sum)) / (lag.count - lagBefore.count);
  const ownDelayMs = ownDelay.percentile(95) / 1e6;
  const cpu = (cpuOf(apiPid) - cpuBefore) / options.seconds;
  return {
    latenciesMs: await latenciesMs(db, listening),
    sent,
    accepted,
    expected,
    rssMb,
    idleRssMb,
    sentAfterMs,
    ownDelayMs,
    cpu,
  };
}

interface Floor {
  db: Database;
  url: string;
  apiPid: number;
  accounts: SeededAccount[];
  symbols: Awaited<ReturnType<typeof readSymbols>>;
}

async function main(): Promise<void> {
  const options = readOptions(DEFAULTS);
  say('Starting a fresh instance');
  const instance = await startFreshInstance(options.workers, { commitTimes: true });
  const { url, apiPid } = instance;
  const db = connectDatabase(instance.databaseUrl, 'bench', 2);
  const listening = new StreamClients(url);
  try {
    const symbols = await readSymbols(db, SYMBOLS);
    say(`Seeding ${options.accounts} accounts`);
    const accounts = await seedTraders(db, options.accounts, symbols);
    say(`Opening ${options.clients} clients`);
    await listening.open(options.clients, accounts);
    const measured = await measure(options, listening, { db, url, apiPid, accounts, symbols });
    if (!report(options, listening, measured)) process.exitCode = 1;
  } finally {
    listening.close();
    await db.close();
    await instance.stop();
  }
}

/** @returns whether every event arrived once and in order */
function report(options: Options, clients: StreamClients, measured: Measured): boolean {
  const sorted = measured.latenciesMs.sort((a, b) => a - b);
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) =>
    Number(percentile(sorted, share).toFixed(1)),
  );
  const { sent, accepted, expected } = measured;
  const [rssMb, idleRssMb] = [Math.round(measured.rssMb), Math.round(measured.idleRssMb)];
  const { received, outOfOrder, closed } = clients;
  const rows: [string, string][] = [
    ['machine', `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`],
    ['clients, accounts', `${options.clients}, ${options.accounts}`],
    ['orders/s sent, refused', `${(sent / options.seconds).toFixed(0)}, ${sent - accepted}`],
    ['events expected, received', `${expected}, ${received}`],
    ['events out of order', String(outOfOrder)],
    ['connections lost', String(closed)],
    ['fills measured', String(sorted.length)],
    ['commit to client p50 / p95 / p99 (ms)', `${p50} / ${p95} / ${p99}`],
    ['event to its sending by the API, mean (ms)', measured.sentAfterMs.toFixed(1)],
    ['delay of this load generator, p95 (ms)', measured.ownDelayMs.toFixed(1)],
    ['processor time of the API (s per s)', measured.cpu.toFixed(2)],
    ['RSS of the API, before and at most (MB)', `${idleRssMb}, ${rssMb}`],
  ];
  for (const [name, value] of rows) process.stdout.write(`${name.padEnd(44)} ${value}\n`);
  const complete = received === expected && outOfOrder === 0 && closed === 0;
  const line = {
    clients: options.clients,
    orders_per_s: Math.round(sent / options.seconds),
    event_ms: { p50, p95, p99 },
    events: { expected, received, out_of_order: outOfOrder },
    api_rss_mb: rssMb,
    api_cpu: Number(measured.cpu.toFixed(2)),
    complete,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  return complete;
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
});
