import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { Pool } from 'undici';
import { randomOrder, seededRandom } from '../../ops/bench/order-flow.js';
import { seedAccounts } from '../../src/commands/seed.js';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../../src/domain/money.js';

export interface Key {
  key_id: string;
  secret_key: string;
}

/** What a load has seen so far. */
export interface Seen {
  acknowledged: string[];
  /** Count by status and message; `lost` is a broken connection. */
  failed: Map<string, number>;
  /** Order to acknowledgement, in milliseconds. */
  latenciesMs: number[];
}

/** Prices in cents. */
const SYMBOLS = [
  { symbol: 'AAPL', price: 15_000 },
  { symbol: 'MSFT', price: 41_000 },
  { symbol: 'KO', price: 6_500 },
  { symbol: 'SPY', price: 57_000 },
];
const PAUSE_AFTER_FAILURE_MS = 20;
const TRADERS = 20;

/** Accounts with more money and shares than any load of a test can hold. */
export const seedTraders = (knex: Knex): Promise<Key[]> =>
  seedAccounts(
    knex,
    {
      accounts: TRADERS,
      cash: parseDecimal('1000000000', PRICE_SCALE),
      shares: new Map(SYMBOLS.map(({ symbol }) => [symbol, parseDecimal('1000000', QTY_SCALE)])),
    },
    () => undefined,
  );

/**
 * Sends random orders over HTTP until told to stop; every client waits for its answer, and a little
 * before its next order, so that the machine has room for what the test is about.
 * @returns what was seen, filled while it runs, and how to stop it
 */
export function startOrderLoad(
  url: string,
  keys: readonly Key[],
  options: { clients: number; pauseMs: number; seed: number },
): { seen: Seen; stop(): Promise<Seen> } {
  const pool = new Pool(url, { connections: options.clients });
  const random = seededRandom(options.seed);
  const seen: Seen = { acknowledged: [], failed: new Map(), latenciesMs: [] };
  const fail = (reason: string) => seen.failed.set(reason, (seen.failed.get(reason) ?? 0) + 1);
  let running = true;

  const submit = async (): Promise<void> => {
    const body = randomOrder(SYMBOLS, random);
    // Half of the accounts buy and half sell: nobody can meet himself, which would be refused.
    const half = keys.length / 2;
    const first = body.includes('"side":"buy"') ? 0 : half;
    const { key_id, secret_key } = keys[first + Math.floor(random() * half)]!;
    const started = performance.now();
    const answer = await pool.request({
      path: '/v2/orders',
      method: 'POST',
      headers: { 'APCA-API-KEY-ID': key_id, 'APCA-API-SECRET-KEY': secret_key },
      body,
    });
    const { id, message = '' } = (await answer.body.json()) as { id: string; message?: string };
    if (answer.statusCode === 200) {
      seen.acknowledged.push(id);
      seen.latenciesMs.push(performance.now() - started);
    } else fail(`${answer.statusCode} ${message}`);
  };
  const client = async (): Promise<void> => {
    while (running) {
      try {
        await submit();
        await sleep(options.pauseMs);
      } catch (error) {
        fail(`lost: ${String(error)}`);
        await sleep(PAUSE_AFTER_FAILURE_MS);
      }
    }
  };
  const clients = Promise.all(Array.from({ length: options.clients }, client));
  return {
    seen,
    async stop() {
      running = false;
      await clients;
      await pool.close();
      return seen;
    },
  };
}
