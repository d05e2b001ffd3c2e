import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import knexFactory, { type Knex } from 'knex';
import { loadDotEnv } from '../config.js';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../migrations');

/** Migrations by name without extension: the same name from `.ts` (tests) and `.js` (builds). */
const source: Knex.MigrationSource<string> = {
  async getMigrations() {
    const files = await readdir(FOLDER);
    return files.filter((file) => /^\d+_\w+\.(ts|js)$/.test(file)).sort();
  },
  getMigrationName: (file) => file.replace(/\.(ts|js)$/, ''),
  getMigration: (file) => import(pathToFileURL(join(FOLDER, file)).href) as Promise<Knex.Migration>,
};

/** Work of one role: the owner of the database, who may create tables. */
async function asOwner<T>(databaseUrl: string, work: (knex: Knex) => Promise<T>): Promise<T> {
  const knex = knexFactory({
    client: 'pg',
    connection: databaseUrl,
    pool: { min: 0, max: 2 },
    migrations: { migrationSource: source, tableName: 'migrations' },
  });
  try {
    return await work(knex);
  } finally {
    await knex.destroy();
  }
}

/**
 * Brings the schema up to date; safe to call from several processes at once (knex takes a lock).
 * @param databaseUrl of the database's owner
 * @returns the names of the migrations that were applied
 */
export const migrateToLatest = (databaseUrl: string): Promise<string[]> =>
  asOwner(databaseUrl, async (knex) => {
    const [, applied] = (await knex.migrate.latest()) as [number, string[]];
    return applied;
  });

/** Takes back the last batch. @returns the names of the migrations that were taken back */
export const rollbackLast = (databaseUrl: string): Promise<string[]> =>
  asOwner(databaseUrl, async (knex) => {
    const [, undone] = (await knex.migrate.rollback()) as [number, string[]];
    return undone;
  });

async function main(action: string | undefined): Promise<void> {
  loadDotEnv();
  const databaseUrl = process.env['DATABASE_URL'];
  if (!databaseUrl) {
    throw new Error(
      'DATABASE_URL is not set: name the database to migrate (npm start does it itself)',
    );
  }
  if (action !== 'latest' && action !== 'rollback') {
    throw new Error(`unknown action "${action ?? ''}": allowed are latest and rollback`);
  }
  const names = await (action === 'latest' ? migrateToLatest : rollbackLast)(databaseUrl);
  const done = action === 'latest' ? 'applied' : 'taken back';
  process.stdout.write(names.length === 0 ? 'nothing to do\n' : `${done}: ${names.join(', ')}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.argv[2]).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
