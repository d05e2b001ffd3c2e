import { Pool } from 'undici';
import type { SeededAccount } from '../../src/commands/seed.js';
import { randomOrder, seededRandom, type Symbol } from './order-flow.js';

export interface LoadResult {
  sent: number;
  accepted: number;
  /** Count by status and message. */
  refused: Map<string, number>;
  /** Order to acknowledgement, in milliseconds, ascending. */
  latenciesMs: number[];
  startedAt: number;
}

export interface LoadOptions {
  url: string;
  accounts: readonly SeededAccount[];
  symbols: readonly Symbol[];
  concurrency: number;
  seconds: number;
  seed: number;
}

/** Submits orders over HTTP: every connection sends its next order when it has its answer. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { url, accounts, symbols, concurrency, seconds, seed } = options;
  const pool = new Pool(url, { connections: concurrency, pipelining: 1 });
  const random = seededRandom(seed);
  const headers = accounts.map(({ key_id, secret_key }) => ({
    'APCA-API-KEY-ID': key_id,
    'APCA-API-SECRET-KEY': secret_key,
    'Content-Type': 'application/json',
  }));
  const result: LoadResult = {
    sent: 0,
    accepted: 0,
    refused: new Map(),
    latenciesMs: [],
    startedAt: performance.now(),
  };
  const until = result.startedAt + seconds * 1_000;

  const client = async (): Promise<void> => {
    while (performance.now() < until) {
      const body = randomOrder(symbols, random);
      const started = performance.now();
      const answer = await pool.request({
        path: '/v2/orders',
        method: 'POST',
        headers: headers[Math.floor(random() * headers.length)]!,
        body,
      });
      result.sent += 1;
      if (answer.statusCode === 200) {
        await answer.body.dump();
        result.accepted += 1;
        result.latenciesMs.push(performance.now() - started);
      } else {
        const { message } = (await answer.body.json()) as { message: string };
        const reason = `${answer.statusCode} ${message}`;
        result.refused.set(reason, (result.refused.get(reason) ?? 0) + 1);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, client));
  await pool.close();
  result.latenciesMs.sort((a, b) => a - b);
  return result;
}

/** @param sorted ascending */
export const percentile = (sorted: ArrayLike<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

export const median = (values: readonly number[]): number =>
  percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
