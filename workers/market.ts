import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Container } from '../src/container.js';
import { MarketMaker } from '../src/market/market-maker.js';
import { MarketSimulator } from '../src/market/simulator.js';

const STEP_EVERY_MS = 1_000;
const CONNECT_TIMEOUT_MS = 3_000;
const QUERY_TIMEOUT_MS = 10_000;
/** Any number: it is the same in every process of the product. */
const LEADER_LOCK = 7_270_001;

/**
 * Runs the simulated market until stopped. Of all processes with this role one leads: the one that
 * holds an advisory lock of Postgres, which falls to another as soon as its connection ends.
 * @returns when the first quotes of this process are in, and how to stop
 */
export function startMarket({ config, db, catalog, intake, log }: Container): {
  quoted: Promise<void>;
  stop: () => Promise<void>;
} {
  const maker = new MarketMaker(db, intake, log);
  const simulator = new MarketSimulator(db, catalog, maker, Math.random);
  const over = new AbortController();
  const isOver = () => over.signal.aborted;
  let resolveQuoted = () => {};
  const quoted = new Promise<void>((resolve) => (resolveQuoted = resolve));

  const lead = async (): Promise<void> => {
    const client = new pg.Client({
      connectionString: config.databaseUrl,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
    });
    client.on('error', () => undefined);
    await client.connect();
    try {
      while (!isOver() && !(await holdsLock(client))) await sleep(STEP_EVERY_MS);
      while (!isOver()) {
        await holdsLock(client); // fails when the connection, and with it the lock, is lost
        await simulator.step();
        resolveQuoted();
        await sleep(STEP_EVERY_MS);
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
        log.warn('the simulated market pauses', { error });
        await sleep(STEP_EVERY_MS);
      }
    }
  })();
  const stop = async (): Promise<void> => {
    over.abort();
    await done;
  };
  return { quoted, stop };
}

async function holdsLock(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ held: boolean }>(
    `select pg_try_advisory_lock($1) as held`,
    [LEADER_LOCK],
  );
  return rows[0]?.held ?? false;
}
