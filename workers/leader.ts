import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Container } from '../src/container.js';

/** Work that only one of all processes does at a time. */
export interface Leadership {
  /** Names it in the log. */
  readonly name: string;
  /** The number of its advisory lock: the same in every process of the product. */
  readonly lock: number;
  readonly everyMs: number;
  /** One step; it may be followed by another process's while it still runs. */
  readonly step: (signal: AbortSignal) => Promise<void>;
}

const CONNECT_TIMEOUT_MS = 3_000;
const QUERY_TIMEOUT_MS = 10_000;
const FOLLOW_EVERY_MS = 1_000;

/**
 * Takes step after step until stopped. Of all processes that do so one leads: the one that holds an
 * advisory lock of Postgres, which falls to another as soon as its connection ends.
 * @returns stops it, after the step that is under way
 */
export function startLeader(
  { config, log }: Pick<Container, 'config' | 'log'>,
  { name, lock, everyMs, step }: Leadership,
): () => Promise<void> {
  const over = new AbortController();
  const isOver = () => over.signal.aborted;
  const pause = (ms: number) =>
    sleep(ms, undefined, { signal: over.signal }).catch(() => undefined);

  const lead = async (): Promise<void> => {
    const client = new pg.Client({
      connectionString: config.databaseUrl,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
    });
    client.on('error', () => undefined);
    await client.connect();
    try {
      while (!isOver() && !(await holdsLock(client, lock))) await pause(FOLLOW_EVERY_MS);
      while (!isOver()) {
        await holdsLock(client, lock); // fails when the connection, and with it the lock, is lost
        await step(over.signal);
        await pause(everyMs);
      }
    } finally {
      await client.end().catch(() => undefined);
    }
  };

  const done = (async () => {
    while (!isOver()) {
      try {
        await lead();
      } catch (error) {
        log.warn(`${name} pauses`, { error });
        await pause(FOLLOW_EVERY_MS);
      }
    }
  })();
  return async () => {
    over.abort();
    await done;
  };
}

async function holdsLock(client: pg.Client, lock: number): Promise<boolean> {
  const { rows } = await client.query<{ held: boolean }>(
    `select pg_try_advisory_lock($1) as held`,
    [lock],
  );
  return rows[0]?.held ?? false;
}
