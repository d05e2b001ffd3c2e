import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import type { SeededAccount } from '../../src/commands/seed.js';
import { connectDatabase, type Database } from '../../src/db.js';
import { hashPassword } from '../../src/identity/passwords.js';
import { drained, readSymbols, seedTraders } from './floor.js';
import { startFreshInstance } from './instance.js';
import { median, percentile } from './load.js';
import { readOptions } from './options.js';
import { atSteadyRate, runPacedLoad } from './paced-load.js';

/**
 * `npm run bench:logins`: how long logins take, and what they do to orders. A steady rate of orders
 * runs without and with a steady rate of logins, in turn, so that the machine's noise meets both
 * alike. Hashing a password is slow on purpose; it must not starve the order path. The last line is
 * one JSON object.
 */

const SYMBOLS = 20;
const ACCOUNTS = 500;
const PEOPLE = 200;
const PASSWORD = 'a password of the benchmark';
const PAUSE_MS = 1_000;
const WARMUP_SECONDS = 5;
const DEFAULTS = { logins: 20, orders: 300, seconds: 10, rounds: 5 };

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** People who can log in; one hash for all of them, or making them took longer than the rest. */
async function addPeople({ knex }: Database): Promise<string[]> {
  const password_hash = await hashPassword(PASSWORD);
  const people = Array.from({ length: PEOPLE }, () => {
    const id = uuidv7();
    const names = { first_name: 'Bench', last_name: 'Person', status: 'active' };
    return { id, email: `${id}@bench.example`, password_hash, ...names };
  });
  await knex.batchInsert('clients', people);
  return people.map(({ email }) => email);
}

interface Logins {
  latenciesMs: number[];
  failed: number;
}

async function runLogins(
  url: string,
  emails: readonly string[],
  pace: { perSecond: number; seconds: number },
): Promise<Logins> {
  const result: Logins = { latenciesMs: [], failed: 0 };
  const under: Promise<void>[] = [];
  let next = 0;
  const login = async (): Promise<void> => {
    const email = emails[(next += 1) % emails.length];
    const started = performance.now();
    const body = JSON.stringify({ email, password: PASSWORD });
    const answer = await fetch(`${url}/v2/sessions`, { method: 'POST', body });
    await answer.arrayBuffer();
    if (answer.status === 200) result.latenciesMs.push(performance.now() - started);
    else result.failed += 1;
  };
  await atSteadyRate(pace, () => under.push(login()));
  await Promise.all(under);
  return result;
}

interface Round {
  aloneMs: number;
  besideMs: number;
  loginsMs: number[];
  failed: number;
}

async function measure(
  floor: {
    db: Database;
    url: string;
    emails: string[];
    accounts: SeededAccount[];
    symbols: Awaited<ReturnType<typeof readSymbols>>;
  },
  { logins, orders, seconds }: typeof DEFAULTS,
  seed: number,
): Promise<Round> {
  const load = { ...floor, perSecond: orders, seconds };
  const alone = await runPacedLoad({ ...load, seed });
  await drained(floor.db);
  await sleep(PAUSE_MS);
  const [beside, people] = await Promise.all([
    runPacedLoad({ ...load, seed: seed + 1 }),
    runLogins(floor.url, floor.emails, { perSecond: logins, seconds }),
  ]);
  await drained(floor.db);
  await sleep(PAUSE_MS);
  return {
    aloneMs: percentile(alone.latenciesMs, 0.95),
    besideMs: percentile(beside.latenciesMs, 0.95),
    loginsMs: people.latenciesMs,
    failed: people.failed,
  };
}

async function main(): Promise<void> {
  const options = readOptions(DEFAULTS);
  say('Starting a fresh instance');
  const instance = await startFreshInstance(1);
  const db = connectDatabase(instance.databaseUrl, 'bench', 2);
  try {
    const symbols = await readSymbols(db, SYMBOLS);
    const accounts = await seedTraders(db, ACCOUNTS, symbols);
    const floor = { db, url: instance.url, emails: await addPeople(db), accounts, symbols };
    say('Warming up');
    await measure(floor, { ...options, seconds: WARMUP_SECONDS }, 1);
    const rounds: Round[] = [];
    for (let round = 1; round <= options.rounds; round += 1) {
      say(`Round ${round} of ${options.rounds}`);
      rounds.push(await measure(floor, options, round * 10));
    }
    report(options, rounds);
  } finally {
    await db.close();
    await instance.stop();
  }
}

function report(options: typeof DEFAULTS, rounds: readonly Round[]): void {
  const logins = rounds.flatMap(({ loginsMs }) => loginsMs).sort((a, b) => a - b);
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(logins, share));
  const alone = median(rounds.map(({ aloneMs }) => aloneMs));
  const beside = median(rounds.map(({ besideMs }) => besideMs));
  const ratio = median(rounds.map(({ aloneMs, besideMs }) => besideMs / aloneMs));
  const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
  const rows = [
    ['machine', `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`],
    ['orders/s, logins/s', `${options.orders}, ${options.logins}`],
    ['logins, failed', `${logins.length + failed}, ${failed}`],
    ['login p50 / p95 / p99 (ms)', [p50, p95, p99].map((ms) => ms!.toFixed(1)).join(' / ')],
    ['order p95 without logins (ms)', alone.toFixed(1)],
    ['order p95 beside logins (ms)', beside.toFixed(1)],
    ['order p95, median of the ratios', ratio.toFixed(2)],
  ] as const;
  for (const [name, value] of rows) process.stdout.write(`${name.padEnd(44)} ${value}\n`);
  const line = {
    login_p95_ms: p95,
    order_p95_ms: { alone, beside },
    order_p95_ratio: ratio,
    failed,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
});
