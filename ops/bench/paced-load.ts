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
 * @returns how many were sent and accepted, and how long answers took, in ascending order
 */
export async function runPacedLoad(
  options: PacedLoad,
): Promise<{ sent: number; accepted: number; latenciesMs: number[] }> {
  const { url, accounts, symbols, perSecond, seconds, seed } = options;
  const latenciesMs: number[] = [];
  const pool = new Pool(url, { connections: CONNECTIONS, pipelining: 1 });
  const random = seededRandom(seed);
  const answers: Promise<boolean>[] = [];
  const submit = async (): Promise<boolean> => {
    const { key_id, secret_key } = accounts[Math.floor(random() * accounts.length)]!;
    const sentAt = performance.now();
    const { statusCode, body } = await pool.request({
      path: '/v2/orders',
      method: 'POST',
      headers: { 'APCA-API-KEY-ID': key_id, 'APCA-API-SECRET-KEY': secret_key },
      body: randomOrder(symbols, random),
    });
    await body.dump();
    latenciesMs.push(performance.now() - sentAt);
    return statusCode === 200;
  };
  await atSteadyRate({ perSecond, seconds }, () => answers.push(submit()));
  const accepted = (await Promise.all(answers)).filter(Boolean).length;
  await pool.close();
  latenciesMs.sort((a, b) => a - b);
  return { sent: answers.length, accepted, latenciesMs };
}

/** Starts something again and again, `perSecond` times each second, without waiting for any. */
export async function atSteadyRate(
  { perSecond, seconds }: Pick<PacedLoad, 'perSecond' | 'seconds'>,
  begin: () => unknown,
): Promise<void> {
  const started = performance.now();
  for (let begun = 0; ;) {
    const elapsed = Math.min((performance.now() - started) / 1_000, seconds);
    for (; begun < Math.floor(elapsed * perSecond); begun += 1) begin();
    if (elapsed >= seconds) return;
    await sleep(TICK_MS);
  }
}
