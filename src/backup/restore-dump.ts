import { availableParallelism } from 'node:os';
import pg from 'pg';
import { verifyChecksum, type Dump } from './catalog.js';
import { differences, readFacts, withClient, type DatabaseFacts } from './facts.js';
import type { PostgresPrograms } from './programs.js';
import { databaseOf, onDatabase, runProgram } from './run-program.js';

export interface RestoreRequest {
  readonly dump: Pick<Dump, 'file' | 'roles'> & {
    /** Absent for a dump of somebody else's, which nothing is known about. */
    readonly sha256?: string;
    readonly facts?: DatabaseFacts;
  };
  /** The database to restore into; made when it is not there. */
  readonly into: string;
  /** Puts the restored database in the place of one that is not empty, which stays under another name. */
  readonly overwrite: boolean;
  readonly programs: PostgresPrograms;
  readonly say: (text: string) => void;
}

export interface Restored {
  readonly facts: DatabaseFacts;
  /** Where what was there before is now; null when nothing was. */
  readonly before: string | null;
}

const JOBS_MAX = 4;
const id = (name: string): string => pg.escapeIdentifier(name);

/**
 * Restores a dump: verifies its checksum, makes what is missing of roles and database, restores, and
 * compares what is there then with what was dumped.
 * @throws Error for a damaged dump, for a database that is not empty, and when the two differ; what
 *   was there before is untouched then
 */
export async function restoreDump(request: RestoreRequest): Promise<Restored> {
  const { dump, into, overwrite, programs, say } = request;
  if (dump.sha256 !== undefined) {
    await verifyChecksum(dump.file, dump.sha256);
    say('The checksum is as it was written');
  }
  const name = databaseOf(into);
  const found = await stateOf(into);
  if (found === 'in use' && !overwrite) {
    throw new Error(
      `The database ${name} is not empty. Restore into another one, or add --overwrite: then ` +
        `the restored database takes its place, and what is there now stays beside it`,
    );
  }
  const target = found === 'in use' ? `${name}_restoring_${Date.now()}` : name;
  await withServer(into, async (server) => {
    await ensureRoles(server, dump.roles);
    if (found !== 'empty') await server.query(`create database ${id(target)} template template0`);
  });
  const url = onDatabase(into, target);
  try {
    const facts = await fill(url, dump, programs);
    const before = found === 'in use' ? await takePlace(into, target) : null;
    return { facts, before };
  } catch (error) {
    if (found !== 'empty') {
      const drop = `drop database if exists ${id(target)} with (force)`;
      await withServer(into, (server) => server.query(drop)).catch(() => undefined);
    }
    throw error;
  }
}

/** pg_restore, statistics for the planner, and the proof. */
async function fill(
  url: string,
  { file, facts: expected }: RestoreRequest['dump'],
  programs: PostgresPrograms,
): Promise<DatabaseFacts> {
  const jobs = Math.min(JOBS_MAX, availableParallelism());
  const args = ['--exit-on-error', '--no-owner', `--jobs=${jobs}`, file];
  await runProgram(await programs.client('pg_restore'), url, args);
  return withClient(url, async (client) => {
    await client.query('analyze'); // a dump has none, and plans without are slow
    const facts = await readFacts(client);
    const lines = expected ? differences(expected, facts) : [];
    if (lines.length > 0) {
      throw new Error(`The restored database is not what was dumped:\n  ${lines.join('\n  ')}`);
    }
    return facts;
  });
}

const withServer = <Result>(url: string, work: (server: pg.Client) => Promise<Result>) =>
  withClient(onDatabase(url, 'postgres'), work);

async function stateOf(url: string): Promise<'absent' | 'empty' | 'in use'> {
  const exists = await withServer(url, (server) =>
    server.query('select from pg_database where datname = $1', [databaseOf(url)]),
  );
  if (exists.rowCount === 0) return 'absent';
  const { rows } = await withClient(url, (client) =>
    client.query<{ used: boolean }>(
      `select exists (
         select from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       ) as used`,
    ),
  );
  return rows[0]!.used ? 'in use' : 'empty';
}

/** As the migrations make them: without a login of their own, worked as by whoever owns the database. */
async function ensureRoles(server: pg.Client, roles: readonly string[]): Promise<void> {
  for (const role of roles) {
    const known = await server.query('select from pg_roles where rolname = $1', [role]);
    if (known.rowCount === 0) await server.query(`create role ${id(role)} nologin`);
    const member = await server.query<{ is: boolean }>(
      `select pg_has_role(current_user, $1, 'member') as is`,
      [role],
    );
    if (!member.rows[0]!.is) await server.query(`grant ${id(role)} to current_user`);
  }
}

/** Both renamings are one transaction: nobody finds no database, or half of one. */
async function takePlace(into: string, restored: string): Promise<string> {
  const name = databaseOf(into);
  const before = `${name}_before_${Date.now()}`;
  await withServer(into, async (server) => {
    // Whoever is connected would keep the name, and would come back at once.
    await server.query(`alter database ${id(name)} with allow_connections false`);
    try {
      await server.query(
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where datname = $1 and pid <> pg_backend_pid()`,
        [name],
      );
      await server.query('begin');
      await server.query(`alter database ${id(name)} rename to ${id(before)}`);
      await server.query(`alter database ${id(restored)} rename to ${id(name)}`);
      await server.query('commit');
      await server.query(`alter database ${id(before)} with allow_connections true`);
    } catch (error) {
      await server.query('rollback');
      await server.query(`alter database ${id(name)} with allow_connections true`);
      throw error;
    }
  });
  return before;
}
