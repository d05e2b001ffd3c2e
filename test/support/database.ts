import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrateToLatest } from '../../src/commands/migrate.js';
import { seedAssets } from '../../src/commands/seed-assets.js';
import { connectKnex } from '../../src/db.js';
import { testServers } from './servers.js';

/** A migrated database that nobody else uses. */
export interface TestDatabase {
  readonly url: string;
  /** Gives it up; it is removed a little later, while other tests run. */
  drop(): void;
}

/** What a database has at first: the schema alone, or the seeded shards and assets as well. */
export type Content = 'schema' | 'assets';

const SHARDS = 16;
/** Any number; it only has to be the same in every test process. */
const TEMPLATE_LOCK = 7_270_100;

/** Made while the tests before it run: a copy takes a good part of what a test file needs to start. */
const spares = new Map<Content, Promise<TestDatabase>>();

/** One after the other: removing is what no test waits for. */
let dropped: Promise<void> = Promise.resolve();

/**
 * Creates a database with the current schema. The migrations run once, into a template; each test
 * file's database is a copy of that.
 */
export async function createTestDatabase(content: Content = 'schema'): Promise<TestDatabase> {
  const taken = spares.get(content) ?? copyTemplate(content);
  spares.delete(content); // it is nobody else's now
  const database = await taken;
  if (!spares.has(content)) makeSpare(content);
  return database;
}

function makeSpare(content: Content): void {
  const spare = copyTemplate(content);
  spares.set(content, spare);
  spare.catch(() => spares.delete(content)); // whoever asks next makes another
}

async function copyTemplate(content: Content): Promise<TestDatabase> {
  const { run } = testServers();
  const template = `brokerx_test_${run}_template_${content}`;
  const name = `brokerx_test_${run}_${randomBytes(4).toString('hex')}`;
  await withServer(async (server) => {
    await server.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]); // ends with the connection
    await ensureTemplate(server, template, content);
    await copy(server, template, name);
  });
  return databaseOf(name);
}

/** Creates an empty database, for tests of the migrations themselves or of a whole start. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const name = `brokerx_test_${testServers().run}_${randomBytes(4).toString('hex')}`;
  await withServer((server) => server.query(`create database ${name}`));
  return databaseOf(name);
}

const databaseOf = (name: string): TestDatabase => ({
  url: urlOf(name),
  drop: () => {
    // What a test left in it is removed in the end, with the server or by `npm test`.
    dropped = dropped.then(() => dropDatabase(name)).catch(() => undefined);
  },
});

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

/** Copying the files is several times as fast as writing every page of them to the log. */
const copy = (server: pg.Client, template: string, name: string) =>
  server.query(`create database ${name} template ${template} strategy file_copy`);

/** Filled under another name first: one that has the template's name is complete. */
async function ensureTemplate(server: pg.Client, template: string, content: Content) {
  const known = await server.query('select 1 from pg_database where datname = $1', [template]);
  if (known.rowCount) return;
  const unfinished = `${template}_unfinished`;
  await server.query(`drop database if exists ${unfinished} with (force)`);
  await server.query(`create database ${unfinished}`);
  await migrateToLatest(urlOf(unfinished));
  if (content === 'assets') await seed(urlOf(unfinished));
  await server.query(`alter database ${unfinished} rename to ${template}`);
}

async function seed(url: string): Promise<void> {
  const knex = connectKnex(url, 'test-seed', 1);
  await seedAssets(knex, SHARDS);
  await knex.destroy();
}

const dropDatabase = (name: string): Promise<void> =>
  withServer((server) => server.query(`drop database if exists ${name} with (force)`));
