import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrateToLatest } from '../../src/commands/migrate.js';
import { testServers } from './servers.js';

/** A migrated database that nobody else uses. */
export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** Any number; it only has to be the same in every test process. */
const TEMPLATE_LOCK = 7_270_100;

/** Made while the tests before it run: a copy takes a good part of what a test file needs to start. */
let spare: Promise<TestDatabase> | undefined;

/**
 * Creates a database with the current schema and nothing in it. The migrations run once, into a
 * template; each test file's database is a copy of that.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const database = await (spare ?? copyTemplate());
  spare = copyTemplate();
  spare.catch(() => (spare = undefined)); // whoever asks next makes another
  return database;
}

async function copyTemplate(): Promise<TestDatabase> {
  const { run } = testServers();
  const template = `brokerx_test_${run}_template`;
  const name = `brokerx_test_${run}_${randomBytes(4).toString('hex')}`;
  await withServer(async (server) => {
    await server.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]); // ends with the connection
    await ensureTemplate(server, template);
    await server.query(`create database ${name} template ${template}`);
  });
  return { url: urlOf(name), drop: () => dropDatabase(name) };
}

/** Creates an empty database, for tests of the migrations themselves or of a whole start. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const name = `brokerx_test_${testServers().run}_${randomBytes(4).toString('hex')}`;
  await withServer((server) => server.query(`create database ${name}`));
  return { url: urlOf(name), drop: () => dropDatabase(name) };
}

function urlOf(name: string): string {
  const url = new URL(testServers().databaseUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function withServer(work: (server: pg.Client) => Promise<unknown>): Promise<void> {
  const server = new pg.Client({ connectionString: testServers().databaseUrl });
  await server.connect();
  try {
    await work(server);
  } finally {
    await server.end();
  }
}

/** Migrated under another name first: one that has the template's name is complete. */
async function ensureTemplate(server: pg.Client, template: string): Promise<void> {
  const known = await server.query('select 1 from pg_database where datname = $1', [template]);
  if (known.rowCount) return;
  const unfinished = `${template}_unfinished`;
  await server.query(`drop database if exists ${unfinished} with (force)`);
  await server.query(`create database ${unfinished}`);
  await migrateToLatest(urlOf(unfinished));
  await server.query(`alter database ${unfinished} rename to ${template}`);
}

const dropDatabase = (name: string): Promise<void> =>
  withServer((server) => server.query(`drop database if exists ${name} with (force)`));
