import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { seedAssets, type SeedAsset } from '../../src/commands/seed-assets.js';
import { connectDatabase, type Database } from '../../src/db.js';
import { MAKER_ACCOUNT } from '../../src/ledger/house.js';
import { startFreshInstance } from './instance.js';
import { cpuOf, rssOf } from './process-use.js';

/**
 * `npm run bench:market`: what the simulated market costs by itself: the processor time of its process
 * (price simulation and market maker) with 50 symbols, and how many orders the market maker makes.
 * No client trades. The last line is one JSON object.
 */

const SYMBOLS = 50;
const DEFAULT_SECONDS = 60;
const WARMUP_MS = 5_000;
const QUOTED_WITHIN_MS = 30_000;
const SHARDS = 16;
/** The goal: of one core, in percent. */
const CPU_GOAL = 15;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function readSeconds(): number {
  const { values } = parseArgs({ options: { seconds: { type: 'string' } } });
  const seconds = Number(values.seconds ?? DEFAULT_SECONDS);
  if (Number.isInteger(seconds) && seconds >= 1) return seconds;
  throw new Error(`--seconds was ${values.seconds}: it must be a whole number above 0`);
}

/** Stocks beside those of the demo, so that there are 50 assets. */
async function addSymbols(db: Database): Promise<void> {
  const [row] = await db.knex('market_prices').count<{ count: bigint }[]>('* as count');
  const assets = Array.from({ length: SYMBOLS - Number(row!.count) }, (_, n): SeedAsset => {
    const letters = String.fromCharCode(65 + Math.floor(n / 26), 65 + (n % 26));
    return {
      symbol: `ZZ${letters}`,
      name: `Bench ${n + 1}`,
      exchange: 'NYSE',
      price: String(20 + n * 13),
    };
  });
  await seedAssets(db.knex, SHARDS, assets);
}

async function untilQuoted(db: Database): Promise<void> {
  const until = performance.now() + QUOTED_WITHIN_MS;
  while (performance.now() < until) {
    const { rows } = await db.knex.raw<{ rows: { quoted: number }[] }>(
      `select count(distinct asset_id)::int as quoted from book_orders where account_id = ?`,
      [MAKER_ACCOUNT],
    );
    if (rows[0]!.quoted === SYMBOLS) return;
    await sleep(100);
  }
  throw new Error(`not all of ${SYMBOLS} assets are quoted after ${QUOTED_WITHIN_MS} ms`);
}

async function countOrders(db: Database): Promise<{ orders: number; withdrawn: number }> {
  const { rows } = await db.knex.raw<{ rows: { orders: number; withdrawn: number }[] }>(
    `select count(*)::int as orders, count(*) filter (where status = 'canceled')::int as withdrawn
     from orders where account_id = ?`,
    [MAKER_ACCOUNT],
  );
  return rows[0]!;
}

async function main(): Promise<void> {
  const seconds = readSeconds();
  say('Starting a fresh instance');
  const env = { MARKET_SIMULATOR: 'on', MARKET_SEED: 'bench', SHARDS: String(SHARDS) };
  const instance = await startFreshInstance(1, { env });
  const db = connectDatabase(instance.databaseUrl, 'bench', 2);
  try {
    await addSymbols(db);
    await untilQuoted(db);
    say(`${SYMBOLS} symbols are quoted; measuring for ${seconds} s`);
    await sleep(WARMUP_MS);
    const { marketPid } = instance;
    const [before, cpuBefore, started] = [
      await countOrders(db),
      cpuOf(marketPid),
      performance.now(),
    ];
    await sleep(seconds * 1_000);
    const elapsed = (performance.now() - started) / 1_000;
    const cpu = (100 * (cpuOf(marketPid) - cpuBefore)) / elapsed;
    const after = await countOrders(db);
    report({
      cpu_percent: round(cpu),
      orders_per_second: round((after.orders - before.orders) / elapsed),
      withdrawals_per_second: round((after.withdrawn - before.withdrawn) / elapsed),
      rss_mb: Math.round(rssOf(marketPid)),
    });
  } finally {
    await db.close();
    await instance.stop();
  }
}

const round = (value: number): number => Number(value.toFixed(1));

function report(measured: Record<string, number>): void {
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`;
  const rows: [string, string][] = [
    ['machine', machine],
    ['symbols', String(SYMBOLS)],
    [`processor time of the market (% of a core, goal ${CPU_GOAL})`, `${measured['cpu_percent']}`],
    ['orders/s of the market maker', `${measured['orders_per_second']}`],
    ['withdrawals/s of the market maker', `${measured['withdrawals_per_second']}`],
    ['memory of the market (MB)', `${measured['rss_mb']}`],
  ];
  for (const [name, value] of rows) process.stdout.write(`${name.padEnd(56)} ${value}\n`);
  process.stdout.write(`${JSON.stringify({ symbols: SYMBOLS, ...measured })}\n`);
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
});
