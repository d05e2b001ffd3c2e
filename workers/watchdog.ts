import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import type { Logger } from '../src/log.js';
import type { Executor } from '../src/orders/executor.js';
import { readWaitingWork } from '../src/queue/sweeper.js';

export interface WatchdogDeps {
  knex: Knex;
  redis: Pick<Redis, 'status'>;
  executor: Pick<Executor, 'idleMs'>;
  log: Logger;
  /** Called with the reason; ends the process. */
  exit: (reason: string) => void;
}

/** Goes up with every claim of every worker. */
async function readFences(knex: Knex): Promise<bigint> {
  const row = await knex('shard_claims').sum<{ fences: string | null }>('fence as fences').first();
  return BigInt(row?.fences ?? 0);
}

/**
 * Notices a worker that has gone deaf: work is overdue while this process settles nothing although
 * Redis and Postgres have been reachable all the time, and nobody else picks work up either. `isRunning()` and PING do not show that, so the only cure
 * is a restart by whoever supervises the process.
 * @returns how to stop it
 */
export function startWatchdog(
  { knex, redis, executor, log, exit }: WatchdogDeps,
  { checkEveryMs, deafAfterMs } = { checkEveryMs: 2_000, deafAfterMs: 10_000 },
): () => void {
  let reachableSince = Date.now();
  let fences = 0n;
  const check = async (): Promise<void> => {
    if (redis.status !== 'ready') reachableSince = Date.now();
    const waiting = await readWaitingWork(knex);
    const now = await readFences(knex);
    const othersWork = now !== fences;
    fences = now;
    const oldestMs = Math.max(0, ...waiting.map((row) => row.oldestMs));
    const deaf =
      !othersWork &&
      oldestMs > deafAfterMs &&
      executor.idleMs > deafAfterMs &&
      Date.now() - reachableSince > deafAfterMs;
    if (deaf) exit(`work has waited ${Math.round(oldestMs)} ms and this worker settles nothing`);
  };
  const timer = setInterval(() => {
    check().catch((error: unknown) => {
      reachableSince = Date.now(); // nobody can work without Postgres
      log.debug('watchdog could not look', { error });
    });
  }, checkEveryMs);
  return () => clearInterval(timer);
}
