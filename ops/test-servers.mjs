import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './prepare.mjs';

/**
 * Hundreds of databases come and go, and each time Postgres writes everything to the disk. A machine
 * that goes down takes the tests with it; a process that is killed loses nothing by this, and tests
 * about that start a server of their own.
 */
const NOTHING_TO_LOSE = { fsync: 'off', full_page_writes: 'off' };

const compiled = (name) => import(pathToFileURL(join(ROOT, 'dist/src/embedded', name)).href);

/**
 * The servers that the tests work on: DATABASE_URL and REDIS_URL where they are set (as in CI, and
 * only databases made for this run are touched there), else embedded ones with data in `folder`.
 * @returns {Promise<{env: Record<string, string>, stop: () => Promise<void>}>} env for the tests
 */
export async function startTestServers(folder, say) {
  const { startDatabases } = await compiled('databases.js');
  const run = randomBytes(4).toString('hex');
  const started = [];
  const stopServers = async () => {
    for (const server of started.reverse()) await server.stop();
  };
  const given = {
    databaseUrl: process.env.DATABASE_URL || undefined,
    redisUrl: process.env.REDIS_URL || undefined,
  };
  try {
    const { databaseUrl, redisUrl } = await startDatabases(
      given,
      join(folder, 'servers'),
      say,
      (_name, server) => started.push(server),
      NOTHING_TO_LOSE,
    );
    const env = {
      BROKERX_TEST_DATABASE_URL: databaseUrl,
      BROKERX_TEST_REDIS_URL: redisUrl,
      BROKERX_TEST_RUN: run,
      BROKERX_TEST_DIR: folder,
    };
    const stop = async () => {
      try {
        if (given.databaseUrl !== undefined) await dropDatabases(databaseUrl, run);
      } finally {
        await stopServers();
      }
    };
    return { env, stop };
  } catch (error) {
    await stopServers();
    throw error;
  }
}

/** Whatever an interrupted test left on a server that lives on. */
async function dropDatabases(url, run) {
  const { default: pg } = await import('pg'); // this file is loaded before anything is installed
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const pattern = `brokerx\\_test\\_${run}\\_%`;
    const left = await client.query('select datname from pg_database where datname like $1', [
      pattern,
    ]);
    for (const { datname } of left.rows)
      await client.query(`drop database ${datname} with (force)`);
  } finally {
    await client.end();
  }
}
