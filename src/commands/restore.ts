import { rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { listDumps, readManifest, type Dump, type DumpManifest } from '../backup/catalog.js';
import { takeDump } from '../backup/dump.js';
import type { PostgresPrograms } from '../backup/programs.js';
import { recover, type Target } from '../backup/recover.js';
import { restoreDump, type RestoreRequest } from '../backup/restore-dump.js';
import { databaseOf, onDatabase } from '../backup/run-program.js';
import { readBackupConfig, type BackupConfig } from '../backup/settings.js';
import { loadDotEnv } from '../config.js';
import { megabytes, programsFor, say } from './backup.js';
import { readInstance } from './running-instance.js';

const USAGE = `usage: npm run restore -- (--latest | --from FILE | --at TIME|end) (--into URL | --database NAME)
  --latest      the newest dump
  --from        a dump, with its checksum beside it (FILE.json)
  --at          a moment such as 2026-11-27T03:45:00Z, or "end": a base backup and the archived log
  --into        the address of the database to restore into; it is made when it is not there
  --database    likewise, by its name on the server of DATABASE_URL or of the running instance
  --of          which database, where the backups hold several; else that of DATABASE_URL
  --overwrite   the restored database takes the place of one that is not empty, which stays beside it
  --unverified  with --from: takes a dump that has no checksum
  --scratch     with --at: a folder with room for a copy of the server`;

export interface RestoreOptions {
  readonly source: { from: string } | { latest: true } | { at: Target };
  readonly into: { url: string } | { database: string };
  readonly of?: string | undefined;
  readonly overwrite: boolean;
  readonly unverified: boolean;
  readonly scratch?: string | undefined;
}

const OPTIONS = {
  from: { type: 'string' },
  latest: { type: 'boolean' },
  at: { type: 'string' },
  into: { type: 'string' },
  database: { type: 'string' },
  of: { type: 'string' },
  scratch: { type: 'string' },
  overwrite: { type: 'boolean', default: false },
  unverified: { type: 'boolean', default: false },
} as const;

/** @throws Error that says which option is missing or wrong, and what it may be */
export function readRestoreOptions(args: string[]): RestoreOptions {
  const { values } = parseArgs({ args, options: OPTIONS });
  const { from, latest, at, into, database, of, scratch, overwrite, unverified } = values;
  if ([from, latest, at].filter((value) => value !== undefined).length !== 1) {
    throw new Error(`Name one of --latest, --from FILE and --at TIME\n${USAGE}`);
  }
  if ((into === undefined) === (database === undefined)) {
    throw new Error(`Name one of --into URL and --database NAME\n${USAGE}`);
  }
  if (into !== undefined && !isDatabaseUrl(into)) {
    throw new Error(
      `--into was not an address such as postgres://user:password@host:5432/database`,
    );
  }
  const source =
    from !== undefined
      ? { from }
      : at !== undefined
        ? { at: readTarget(at) }
        : { latest: true as const };
  const target = into !== undefined ? { url: into } : { database: database! };
  return { source, into: target, of, overwrite, unverified, scratch };
}

function isDatabaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  return /^postgres(ql)?:$/.test(new URL(text).protocol) && databaseOf(text) !== '';
}

function readTarget(text: string): Target {
  if (text === 'end') return 'end';
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const time = new Date(text);
  if (isTime && !Number.isNaN(time.getTime())) return time;
  throw new Error(
    `--at was "${text}": it must be a time with its zone, such as 2026-11-27T03:45:00Z, or "end"`,
  );
}

/** The dump that is named, and what is known of it. */
async function namedDump(file: string, unverified: boolean): Promise<RestoreRequest['dump']> {
  await stat(file).catch((error: unknown) => {
    throw new Error(`--from names ${file}, which is not there`, { cause: error });
  });
  try {
    return { ...(await readManifest<DumpManifest>(file, 'dump')), file };
  } catch (error) {
    if (!unverified) {
      const hint = 'With --unverified it is taken as it is';
      throw new Error(`${(error as Error).message}. ${hint}`, { cause: error });
    }
    say('There is no checksum: whether the dump is whole shows when it is restored');
    return { file, roles: PRODUCT_ROLES };
  }
}

/** Those of the migrations, for a dump that does not tell which it needs. */
const PRODUCT_ROLES = ['brokerx_app', 'brokerx_payment_provider', 'brokerx_external_venue'];

async function latestDump({ folder }: BackupConfig, database?: string): Promise<Dump> {
  const [newest] = await listDumps(folder, database);
  if (newest) return newest;
  const known = [...new Set((await listDumps(folder)).map((dump) => dump.database))];
  throw new Error(
    `There is no dump${database ? ` of ${database}` : ''} in ${folder}` +
      (known.length > 0 ? `: --of may be ${known.join(', ')}` : ' (npm run backup makes one)'),
  );
}

interface RestoreDeps {
  readonly config: BackupConfig;
  readonly programs: PostgresPrograms;
  /** Of which database a backup is wanted; undefined: there is only one. */
  readonly of: string | undefined;
  readonly into: string;
}

/** A moment of a database: recovered beside everything, dumped from there, and restored as a dump is. */
async function restoreMoment(options: RestoreOptions, deps: RestoreDeps, target: Target) {
  const { config, programs, of, into } = deps;
  if (of === undefined) throw new Error('Name the database that is wanted with --of');
  const scratch = options.scratch ? { scratch: options.scratch } : {};
  const recovered = await recover({ folder: config.folder, target, programs, say, ...scratch });
  try {
    const folder = resolve(config.folder, 'moments');
    const dump = await takeDump({ databaseUrl: recovered.url(of), folder, programs });
    say(`Recovered, and dumped to ${dump.file} (it stays when it cannot be restored)`);
    const restored = await restoreDump({
      dump,
      into,
      overwrite: options.overwrite,
      programs,
      say,
    });
    await rm(folder, { recursive: true });
    return restored;
  } finally {
    await recovered.stop();
  }
}

async function restore(options: RestoreOptions, deps: RestoreDeps) {
  const { source } = options;
  if ('at' in source) return restoreMoment(options, deps, source.at);
  const dump =
    'from' in source
      ? await namedDump(resolve(source.from), options.unverified)
      : await latestDump(deps.config, deps.of);
  say(`Restoring ${dump.file} (${megabytes((await stat(dump.file)).size)})`);
  if ('covers_at' in dump) say(`What was committed after ${String(dump.covers_at)} is not in it`);
  const { into, programs } = deps;
  return restoreDump({ dump, into, overwrite: options.overwrite, programs, say });
}

/** Nothing is asked of Redis here. */
const UNUSED = 'redis://127.0.0.1';

async function main(): Promise<void> {
  const options = readRestoreOptions(process.argv.slice(2));
  loadDotEnv();
  const startedAt = performance.now();
  const config = readBackupConfig(process.env);
  // With --into no instance need be there: that may be why somebody restores.
  const instance = await readInstance({ REDIS_URL: UNUSED, ...process.env }).catch(
    (error: unknown): NodeJS.ProcessEnv => {
      if ('url' in options.into) return {};
      throw error;
    },
  );
  const server = instance['DATABASE_URL'];
  const into =
    'url' in options.into ? options.into.url : onDatabase(server!, options.into.database);
  const of = options.of ?? (server === undefined ? undefined : databaseOf(server));
  const programs = await programsFor(onDatabase(into, 'postgres'), config);
  const { facts, before } = await restore(options, { config, programs, of, into });
  const { hash, postings } = facts.ledger;
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  say(`Restored into ${databaseOf(into)} in ${seconds} s: ledger ${hash}, ${postings} postings`);
  if (before !== null) say(`What was there before is in the database ${before}`);
  say('What to do next, with Redis, the audit log and clients: docs/operations/backups.md');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
