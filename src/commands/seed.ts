import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Presets, SingleBar } from 'cli-progress';
import type { Knex } from 'knex';
import { openAccounts, type OpeningHolding } from '../accounts/open-accounts.js';
import { readPrices } from '../assets/prices.js';
import { loadDotEnv, readConfig } from '../config.js';
import { connectDatabase } from '../db.js';
import { parseDecimal, PRICE_SCALE, QTY_SCALE, tradeValue } from '../domain/money.js';
import { readInstance } from './running-instance.js';
import { seedAssets } from './seed-assets.js';

export interface SeedRequest {
  accounts: number;
  /** In 10^-4 USD, each. */
  cash: bigint;
  /** Symbol and quantity in 10^-9 units, each. */
  shares: Map<string, bigint>;
}

export interface SeededAccount {
  account_id: string;
  key_id: string;
  secret_key: string;
}

const BATCH = 100;
const ACCOUNTS_MAX = 1_000_000;

/**
 * Opens active, funded accounts with API keys, in batches of one transaction.
 * @param onProgress told the number of accounts that are open
 * @throws Error that names an unknown symbol; nothing is opened then
 */
export async function seedAccounts(
  knex: Knex,
  { accounts, cash, shares }: SeedRequest,
  onProgress: (opened: number) => void,
): Promise<SeededAccount[]> {
  const holdings = await readHoldings(knex, shares);
  const opened: SeededAccount[] = [];
  while (opened.length < accounts) {
    const size = Math.min(BATCH, accounts - opened.length);
    const requests = Array.from({ length: size }, () => ({
      email: `trader-${randomUUID()}@seed.brokerx.example`,
      passwordHash: null,
      firstName: 'Seeded',
      lastName: 'Trader',
      cash,
      holdings,
    }));
    const rows = await knex.transaction((trx) => openAccounts(trx, requests));
    for (const { accountId, key_id, secret_key } of rows) {
      opened.push({ account_id: accountId, key_id, secret_key });
    }
    onProgress(opened.length);
  }
  return opened;
}

async function readHoldings(knex: Knex, shares: Map<string, bigint>): Promise<OpeningHolding[]> {
  const known = new Map((await readPrices(knex)).map((asset) => [asset.symbol, asset]));
  return [...shares].map(([symbol, qty]) => {
    const asset = known.get(symbol);
    if (!asset) throw new Error(`--shares names ${symbol}, which is not an asset (GET /v2/assets)`);
    return { assetId: asset.id, qty, cost: tradeValue(asset.price, qty) };
  });
}

/** @throws Error that says which option is wrong, what it was and what it may be */
export function readSeedOptions(args: string[]): SeedRequest & { out: string } {
  const { values } = parseArgs({
    args,
    options: {
      accounts: { type: 'string', default: '10' },
      cash: { type: 'string', default: '100000' },
      shares: { type: 'string', default: '' },
      out: { type: 'string', default: '' },
    },
  });
  const accounts = Number(values.accounts);
  if (!Number.isInteger(accounts) || accounts < 1 || accounts > ACCOUNTS_MAX) {
    throw new Error(`--accounts was ${values.accounts}: it must be 1 to ${ACCOUNTS_MAX}`);
  }
  if (values.out === '') throw new Error('--out is missing: name the file for the API keys');
  return {
    accounts,
    cash: readAmount('--cash', values.cash, PRICE_SCALE),
    shares: readShares(values.shares),
    out: values.out,
  };
}

function readShares(text: string): Map<string, bigint> {
  const pairs = text.split(',').filter((pair) => pair !== '');
  return new Map(
    pairs.map((pair) => {
      const [symbol, qty, ...rest] = pair.split('=');
      if (!symbol || qty === undefined || rest.length > 0) {
        throw new Error(`--shares was "${text}": it must be like AAPL=10000,MSFT=10000`);
      }
      return [symbol, readAmount(`--shares ${symbol}`, qty, QTY_SCALE)];
    }),
  );
}

function readAmount(option: string, text: string, scale: number): bigint {
  try {
    const amount = parseDecimal(text, scale);
    if (amount < 0n) throw new RangeError('must not be negative');
    return amount;
  } catch (error) {
    throw new Error(`${option} was ${text}: ${(error as Error).message}`, { cause: error });
  }
}

async function main(): Promise<void> {
  loadDotEnv();
  const request = readSeedOptions(process.argv.slice(2));
  const config = readConfig(await readInstance(process.env));
  const db = connectDatabase(config.databaseUrl, 'seed', 2);
  const bar = new SingleBar(
    { format: '{bar} {value}/{total} accounts | {duration_formatted}' },
    Presets.shades_classic,
  );
  try {
    await seedAssets(db.knex, config.shards);
    bar.start(request.accounts, 0);
    const opened = await seedAccounts(db.knex, request, (count) => bar.update(count));
    bar.stop();
    await writeFile(request.out, JSON.stringify(opened), { mode: 0o600 });
    process.stdout.write(`${opened.length} accounts; their keys are in ${request.out}\n`);
  } finally {
    bar.stop();
    await db.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
