import { cpus } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectDatabase, type Database } from '../../src/db.js';
import { drained, readSymbols, seedTraders } from './floor.js';
import { startFreshInstance } from './instance.js';
import { percentile } from './load.js';
import { MarketListeners } from './market-listeners.js';
import { readOptions } from './options.js';
import { runPacedLoad } from './paced-load.js';
import { cpuOf } from './process-use.js';

/**
 * `npm run bench:market-streams`: how long a trade takes from the commit of its execution (Postgres' own
 * commit time stamps) to clients that subscribe to all trades and quotes of stocks, at a steady rate of
 * orders. Everything runs on this machine, the clients too. The last line is one JSON object.
 */

const SYMBOLS = 20;
const ACCOUNTS = 200;
const SETTLE_MS = 1_500;
const DEFAULTS = { clients: 500, rate: 700, seconds: 20, 'warmup-seconds': 5, workers: 1 };

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** When each trade after a number was committed, in ms since 1970. */
async function commitsAfter(db: Database, seq: number): Promise<Map<number, number>> {
  const { rows } = await db.knex.raw<{ rows: { seq: number; at: number }[] }>(
    `select seq::float8 as seq, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000)::float8 as at
     from executions where seq > ?`,
    [seq],
  );
  return new Map(rows.map(({ seq: number, at }) => [number, at]));
}

async function lastTrade(db: Database): Promise<number> {
  const [row] = await db.knex('executions').max<{ max: bigint | null }[]>('seq');
  return Number(row?.max ?? 0);
}

async function main(): Promise<void> {
  const options = readOptions(DEFAULTS);
  say('Starting a fresh instance');
  const instance = await startFreshInstance(options.workers, { commitTimes: true });
  const { url, apiPid } = instance;
  const db = connectDatabase(instance.databaseUrl, 'bench', 2);
  const listeners = new MarketListeners(url);
  try {
    const symbols = await readSymbols(db, SYMBOLS);
    const accounts = await seedTraders(db, ACCOUNTS, symbols);
    say(`Opening ${options.clients} clients`);
    await listeners.open(options.clients, accounts);
    const load = { url, accounts, symbols, perSecond: options.rate };
    say(`Warming up for ${options['warmup-seconds']} s`);
    await runPacedLoad({ ...load, seconds: options['warmup-seconds'], seed: 2 });
    await drained(db);
    await sleep(SETTLE_MS);
    listeners.reset();
    const before = await lastTrade(db);
    const cpuBefore = cpuOf(apiPid);
    const ownDelay = monitorEventLoopDelay({ resolution: 1 });
    ownDelay.enable();
    say(`Submitting ${options.rate} orders/s for ${options.seconds} s`);
    const { sent, accepted } = await runPacedLoad({ ...load, seconds: options.seconds, seed: 1 });
    await drained(db);
    await sleep(SETTLE_MS);
    ownDelay.disable();
    const cpu = (cpuOf(apiPid) - cpuBefore) / options.seconds;
    const commits = await commitsAfter(db, before);
    const latencies = listeners.arrivals.flatMap(({ trades, at }) =>
      trades.map(({ i }) => at - (commits.get(i) ?? Number.NaN)),
    );
    const expected = commits.size * options.clients;
    const sorted = Float64Array.from(latencies).sort();
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) =>
      Number(percentile(sorted, share).toFixed(1)),
    );
    const tradesPerSecond = Math.round(commits.size / options.seconds);
    const rows: [string, string][] = [
      ['machine', `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`],
      ['clients', String(options.clients)],
      ['orders/s sent, refused', `${(sent / options.seconds).toFixed(0)}, ${sent - accepted}`],
      ['trades/s', String(tradesPerSecond)],
      ['trades expected, received by all clients', `${expected}, ${sorted.length}`],
      ['trades out of order', String(listeners.outOfOrder)],
      ['connections lost', String(listeners.closed)],
      ['commit to client p50 / p95 / p99 (ms)', `${p50} / ${p95} / ${p99}`],
      ['delay of this load generator, p95 (ms)', (ownDelay.percentile(95) / 1e6).toFixed(1)],
      ['processor time of the API (s per s)', cpu.toFixed(2)],
    ];
    for (const [name, value] of rows) process.stdout.write(`${name.padEnd(44)} ${value}\n`);
    const complete =
      sorted.length === expected && listeners.outOfOrder === 0 && listeners.closed === 0;
    const line = {
      clients: options.clients,
      trades_per_s: tradesPerSecond,
      trade_ms: { p50, p95, p99 },
      trades: { expected, received: sorted.length, out_of_order: listeners.outOfOrder },
      api_cpu: Number(cpu.toFixed(2)),
      complete,
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    if (!complete) process.exitCode = 1;
  } finally {
    listeners.close();
    await db.close();
    await instance.stop();
  }
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
});
