import type { Redis } from 'ioredis';
import type { Knex } from 'knex';
import type { Logger } from '../src/log.js';
import type { Executor } from '../src/orders/executor.js';
import { readWaitingWork } from '../src/queue/sweeper.js';

const CHECK_EVERY_MS = 2_000;
const DEAF_AFTER_MS = 10_000;

/**
 * Notices a worker that has gone deaf: work is overdue while this process settles nothing although
 * Redis has been reachable all the time. `isRunning()` and PING do not show that, so the only cure
 * is a restart by whoever supervises the process.
 * @param exit called once, with the reason; ends the process
 */
export function startWatchdog(
  knex: Knex,
  redis: Redis,
  executor: Executor,
  log: Logger,
  exit: (reason: string) => void,
): () => void {
  let redisReadySince = Date.now();
  const check = async (): Promise<void> => {
    if (redis.status !== 'ready') redisReadySince = Date.now();
    const waiting = await readWaitingWork(knex);
    const oldestMs = Math.max(0, ...waiting.map((row) => row.oldestMs));
    const deaf =
      oldestMs > DEAF_AFTER_MS &&
      executor.idleMs > DEAF_AFTER_MS &&
      Date.now() - redisReadySince > DEAF_AFTER_MS;
    if (deaf) exit(`work has waited ${Math.round(oldestMs)} ms and this worker settles nothing`);
  };
  const timer = setInterval(() => {
    check().catch((error: unknown) => log.debug('watchdog could not look', { error }));
  }, CHECK_EVERY_MS);
  return () => clearInterval(timer);
}
