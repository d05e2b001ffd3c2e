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

/**
 * Notices a worker that has gone deaf: work is overdue while this process settles nothing although
 * Redis has been reachable all the time. `isRunning()` and PING do not show that, so the only cure
 * is a restart by whoever supervises the process.
 * @returns how to stop it
 */
export function startWatchdog(
  { knex, redis, executor, log, exit }: WatchdogDeps,
  { checkEveryMs, deafAfterMs } = { checkEveryMs: 2_000, deafAfterMs: 10_000 },
): () => void {
  let redisReadySince = Date.now();
  const check = async (): Promise<void> => {
    if (redis.status !== 'ready') redisReadySince = Date.now();
    const waiting = await readWaitingWork(knex);
    const oldestMs = Math.max(0, ...waiting.map((row) => row.oldestMs));
    const deaf =
      oldestMs > deafAfterMs &&
      executor.idleMs > deafAfterMs &&
      Date.now() - redisReadySince > deafAfterMs;
    if (deaf) exit(`work has waited ${Math.round(oldestMs)} ms and this worker settles nothing`);
  };
  const timer = setInterval(() => {
    check().catch((error: unknown) => log.debug('watchdog could not look', { error }));
  }, checkEveryMs);
  return () => clearInterval(timer);
}
