import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { connectDatabase, type Database } from '../../src/db.js';
import { drained, readSymbols, seedTraders } from './floor.js';
import { startFreshInstance } from './instance.js';
import { percentile, runLoad, type LoadResult } from './load.js';
import { findPgbench, Pgbench } from './pgbench.js';

/**
 * `npm run bench`: settled orders per second, HTTP to ledger, on a fresh instance, beside
 * `pgbench -N -c 64` on the same Postgres server before and after. Everything runs on this machine,
 * the load generator too. The last line is one JSON object.
 */

const SYMBOLS = 20;
const say = (text: string): void => void process.stderr.write(`${text}\n`);

interface Options {
  seconds: number;
  warmupSeconds: number;
  concurrency: number;
  accounts: number;
  pgbenchSeconds: number;
  seed: number;
  workers: number;
}

function readOptions(): Options {
  const number = (value: string, name: string): number => {
    const parsed = Number(value);
    if (!Number.isInteger(parsed) || parsed < 1) {
      throw new Error(`--${name} was ${value}: it must be a whole number above 0`);
    }
    return parsed;
  };
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '20' },
      'warmup-seconds': { type: 'string', default: '5' },
      concurrency: { type: 'string', default: '128' },
      accounts: { type: 'string', default: '1000' },
      'pgbench-seconds': { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      workers: { type: 'string', default: '1' },
    },
  });
  return {
    seconds: number(values.seconds, 'seconds'),
    warmupSeconds: number(values['warmup-seconds'], 'warmup-seconds'),
    concurrency: number(values.concurrency, 'concurrency'),
    accounts: number(values.accounts, 'accounts'),
    pgbenchSeconds: number(values['pgbench-seconds'], 'pgbench-seconds'),
    seed: number(values.seed, 'seed'),
    workers: number(values.workers, 'workers'),
  };
}

async function countTrades(db: Database): Promise<number> {
  const [row] = await db.knex('executions').count<{ count: bigint }[]>('* as count');
  return Number(row!.count);
}

async function main(): Promise<void> {
  const options = readOptions();
  say('Starting a fresh instance');
  const instance = await startFreshInstance(options.workers);
  const db = connectDatabase(instance.databaseUrl, 'bench', 2);
  try {
    const symbols = await readSymbols(db, SYMBOLS);
    say(`Seeding ${options.accounts} accounts`);
    const accounts = await seedTraders(db, options.accounts, symbols);
    const binary = findPgbench();
    if (!binary) say('pgbench is not installed: no comparison (Debian: postgresql-client)');
    const pgbench = binary
      ? new Pgbench(binary, instance.databaseUrl, options.pgbenchSeconds)
      : null;
    await pgbench?.prepare();
    const before = (await pgbench?.measure()) ?? null;
    const target = { ...options, url: instance.url, accounts, symbols };
    say(`Warming up for ${options.warmupSeconds} s`);
    await runLoad({ ...target, seconds: options.warmupSeconds, seed: options.seed + 1 });
    await drained(db);
    const earlier = await countTrades(db);
    say(`Submitting orders for ${options.seconds} s`);
    const load = await runLoad(target);
    const end = await drained(db);
    const trades = (await countTrades(db)) - earlier;
    const proof = await instance.proof(accounts[0]!);
    const after = (await pgbench?.measure()) ?? null;
    const seconds = (end - load.startedAt) / 1_000;
    const tps = before === null || after === null ? null : { before, after };
    report(options, { load, seconds, trades, tps, ...proof });
    if (!proof.balanced) process.exitCode = 1;
  } finally {
    await db.close();
    await instance.stop();
  }
}

interface Measured {
  load: LoadResult;
  /** From the first submission until no work was left. */
  seconds: number;
  trades: number;
  tps: { before: number; after: number } | null;
  balanced: boolean;
}

function report(options: Options, measured: Measured): void {
  const { load, seconds, trades, balanced } = measured;
  const settled = load.accepted / seconds;
  const tps = measured.tps && (measured.tps.before + measured.tps.after) / 2;
  const ack = {
    p50: round(percentile(load.latenciesMs, 0.5)),
    p95: round(percentile(load.latenciesMs, 0.95)),
    p99: round(percentile(load.latenciesMs, 0.99)),
  };
  const rows: [string, string][] = [
    ['machine', `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`],
    ['clients, accounts, symbols', `${options.concurrency}, ${options.accounts}, ${SYMBOLS}`],
    ['orders accepted', String(load.accepted)],
    ['orders refused', String(load.sent - load.accepted)],
    ['trades per order', (trades / load.accepted).toFixed(2)],
    ['settled orders/s', settled.toFixed(0)],
    ['ACK p50 / p95 / p99 (ms)', `${ack.p50} / ${ack.p95} / ${ack.p99}`],
    [
      'pgbench -N -c 64 before, after',
      [measured.tps?.before, measured.tps?.after].map((one) => one?.toFixed(0) ?? '-').join(', '),
    ],
    ['settled orders per pgbench commit', tps === null ? '-' : (settled / tps).toFixed(2)],
    ['ledger balanced', String(balanced)],
  ];
  for (const [reason, count] of load.refused) rows.push([`refused: ${reason}`, String(count)]);
  for (const [name, value] of rows) process.stdout.write(`${name.padEnd(36)} ${value}\n`);
  const line = {
    settled_per_s: Math.round(settled),
    pgbench_tps: tps === null ? null : Math.round(tps),
    ratio: tps === null ? null : round(settled / tps, 3),
    ack_ms: ack,
    trades_per_order: round(trades / load.accepted),
    balanced,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
});
