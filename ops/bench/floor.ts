import { setTimeout as sleep } from 'node:timers/promises';
import { readPrices } from '../../src/assets/prices.js';
import { seedAccounts, type SeededAccount } from '../../src/commands/seed.js';
import type { Database } from '../../src/db.js';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../../src/domain/money.js';
import type { Symbol } from './order-flow.js';

/** What every benchmark needs of a running instance: symbols, funded accounts, an end of the work. */

const DRAIN_TIMEOUT_MS = 120_000;

/** The first stocks, with their prices. */
export async function readSymbols(db: Database, count: number): Promise<Symbol[]> {
  const stocks = (await readPrices(db.knex)).filter((asset) => asset.class === 'us_equity');
  return stocks
    .slice(0, count)
    .map(({ symbol, price }) => ({ symbol, price: Number(price) / 100 }));
}

/**
 * Opens accounts with more money and shares than a benchmark can use. What is measured is our own book:
 * nothing goes to the external venue.
 */
export async function seedTraders(
  db: Database,
  accounts: number,
  symbols: readonly Symbol[],
): Promise<SeededAccount[]> {
  await db.knex('assets').update({ routing: 'internal' });
  const shares = symbols.map(({ symbol }) => [symbol, parseDecimal('100000', QTY_SCALE)] as const);
  return seedAccounts(
    db.knex,
    { accounts, cash: parseDecimal('100000000', PRICE_SCALE), shares: new Map(shares) },
    () => undefined,
  );
}

/** Waits until no work is left. @returns when that was, on performance.now()'s clock */
export async function drained(db: Database): Promise<number> {
  const deadline = performance.now() + DRAIN_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const { rows } = await db.knex.raw<{ rows: { waiting: boolean }[] }>(
      'select exists (select 1 from work_items) as waiting',
    );
    if (!rows[0]!.waiting) return performance.now();
    await sleep(20);
  }
  throw new Error(`work is left after ${DRAIN_TIMEOUT_MS} ms`);
}
