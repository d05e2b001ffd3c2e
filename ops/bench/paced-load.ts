import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import type { SeededAccount } from '../../src/commands/seed.js';
import { randomOrder, seededRandom, type Symbol } from './order-flow.js';

export interface PacedLoad {
  url: string;
  accounts: readonly SeededAccount[];
  symbols: readonly Symbol[];
  perSecond: number;
  seconds: number;
  seed: number;
}

const CONNECTIONS = 64;
const TICK_MS = 4;

/**
 * Submits orders over HTTP at a steady rate, whether answers are quick or slow.
 * @returns how many were sent and accepted
 */
export async function runPacedLoad(
  options: PacedLoad,
): Promise<{ sent: number; accepted: number }> {
  const { url, accounts, symbols, perSecond, seconds, seed } = options;
  const pool = new Pool(url, { connections: CONNECTIONS, pipelining: 1 });
  const random = seededRandom(seed);
  const answers: Promise<boolean>[] = [];
  const submit = async (): Promise<boolean> => {
    const { key_id, secret_key } = accounts[Math.floor(random() * accounts.length)]!;
    const { statusCode, body } = await pool.request({
      path: '/v2/orders',
      method: 'POST',
      headers: { 'APCA-API-KEY-ID': key_id, 'APCA-API-SECRET-KEY': secret_key },
      body: randomOrder(symbols, random),
    });
    await body.dump();
    return statusCode === 200;
  };
  const started = performance.now();
  for (;;) {
    const elapsed = Math.min((performance.now() - started) / 1_000, seconds);
    while (answers.length < Math.floor(elapsed * perSecond)) answers.push(submit());
    if (elapsed >= seconds) break;
    await sleep(TICK_MS);
  }
  const accepted = (await Promise.all(answers)).filter(Boolean).length;
  await pool.close();
  return { sent: answers.length, accepted };
}
