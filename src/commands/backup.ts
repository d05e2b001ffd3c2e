import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import knexFactory from 'knex';
import { takeBase } from '../backup/base.js';
import { listBases, listDumps, rotateBases, rotateDumps } from '../backup/catalog.js';
import { takeDump } from '../backup/dump.js';
import { majorVersion, withClient } from '../backup/facts.js';
import { PostgresPrograms } from '../backup/programs.js';
import { databaseOf } from '../backup/run-program.js';
import { BackupSchedule } from '../backup/schedule.js';
import { readBackupConfig, type BackupConfig } from '../backup/settings.js';
import {
  readBackupStatus,
  recordFailure,
  recordSuccess,
  type BackupKind,
} from '../backup/status.js';
import { pruneArchives } from '../backup/wal-archive.js';
import { loadDotEnv } from '../config.js';
import { createLogger } from '../log.js';
import { readInstance } from './running-instance.js';

const USAGE = `usage: npm run backup -- [--base | --schedule | --list | --check]
  (nothing)   a dump of DATABASE_URL, or of the running instance
  --base      a base backup of the whole server, to recover it to a moment
  --schedule  dumps, base backups and the archive of the log, until it is stopped
  --list      what there is
  --check     ends with 1 when a kind of backup is older than it may be`;

const MODES = ['base', 'schedule', 'list', 'check'] as const;
type Mode = (typeof MODES)[number] | 'dump';

/** The archive is noted every 5 s. */
const WAL_MAX_AGE_MS = 120_000;
/** A backup that is due takes its time, and may have to be tried again. */
const LATE_MS = 3_600_000;

export const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** @throws Error for an option that there is not, or for two of them */
export function readBackupMode(args: string[]): Mode {
  const options = Object.fromEntries(MODES.map((mode) => [mode, { type: 'boolean' as const }]));
  const { values } = parseArgs({ args, options });
  const given = MODES.filter((mode) => values[mode]);
  if (given.length > 1) {
    const names = given.map((mode) => `--${mode}`).join(' and ');
    throw new Error(`${names} cannot be given together: choose one`);
  }
  return given[0] ?? 'dump';
}

export const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;

/** Postgres' programs for the server of that address. */
export async function programsFor(
  databaseUrl: string,
  config: BackupConfig,
): Promise<PostgresPrograms> {
  const major = await withClient(databaseUrl, majorVersion);
  return new PostgresPrograms(major, config.dataDir, (text) => process.stderr.write(`${text}\n`));
}

/** One backup now; old ones go when it is complete. */
async function backUp(
  kind: 'dump' | 'base',
  databaseUrl: string,
  config: BackupConfig,
): Promise<void> {
  const { folder } = config;
  const owner = knexFactory({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: 1 } });
  const startedAt = performance.now();
  try {
    const request = { databaseUrl, folder, programs: await programsFor(databaseUrl, config) };
    const made = kind === 'dump' ? await takeDump(request) : await takeBase(request);
    await recordSuccess(owner, kind, { coversAt: new Date(made.covers_at), bytes: made.bytes });
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    say(`${'file' in made ? made.file : made.folder}: ${megabytes(made.bytes)} in ${seconds} s`);
    if ('facts' in made) {
      const { ledger } = made.facts;
      say(`sha256 ${made.sha256}; ledger ${ledger.hash}, ${ledger.postings} postings`);
      const old = await rotateDumps(folder, databaseOf(databaseUrl), config.keepDumps);
      for (const file of old) say(`removed ${file}`);
    } else {
      if (made.archive === null) {
        say('The log is not archived: it can be recovered to its own end only (see --schedule)');
      }
      await pruneArchives(folder, await rotateBases(folder, config.keepBases));
    }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    await recordFailure(owner, kind, { at: new Date(), error: text }).catch(() => undefined);
    throw error;
  } finally {
    await owner.destroy();
  }
}

async function list({ folder }: BackupConfig): Promise<void> {
  for (const dump of await listDumps(folder)) {
    const { covers_at: at, bytes, database, file, facts } = dump;
    say(`dump ${at}  ${database}  ${megabytes(bytes)}  ${facts.ledger.postings} postings  ${file}`);
  }
  for (const { covers_at: at, bytes, archive, folder: base } of await listBases(folder)) {
    say(`base ${at}  ${megabytes(bytes)}  archive ${archive ?? 'none'}  ${base}`);
  }
}

/** @returns whether every kind is as fresh as the schedule promises */
async function check(databaseUrl: string, config: BackupConfig): Promise<boolean> {
  const maxAgeMs: Record<BackupKind, number> = {
    dump: config.dumpEveryMs + LATE_MS,
    base: config.baseEveryMs + LATE_MS,
    wal: WAL_MAX_AGE_MS,
  };
  const owner = knexFactory({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: 1 } });
  const rows = await readBackupStatus(owner).finally(() => owner.destroy());
  const late = rows.filter(({ kind, last_success_at: at }) => {
    return at === null || Date.now() - at.getTime() > maxAgeMs[kind];
  });
  for (const { kind, last_success_at: at, failures, last_error: error } of rows) {
    const age = at === null ? 'none yet' : at.toISOString();
    say(`${kind.padEnd(5)} ${age}, ${failures} failures since${error ? `: ${error}` : ''}`);
  }
  for (const { kind } of late) say(`LATE: ${kind}`);
  return late.length === 0;
}

async function schedule(databaseUrl: string, config: BackupConfig): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  const log = createLogger(process.env['LOG_LEVEL'] ?? 'info', 'backup');
  const programs = await programsFor(databaseUrl, config);
  log.info('backups are scheduled', { folder: config.folder });
  await new BackupSchedule({ config, databaseUrl, programs, log }).run(stop.signal);
}

/** Nothing is asked of Redis here. */
const UNUSED = 'redis://127.0.0.1';

async function main(): Promise<number> {
  const mode = readBackupMode(process.argv.slice(2));
  loadDotEnv();
  const config = readBackupConfig(process.env);
  if (mode === 'list') {
    await list(config);
    return 0;
  }
  const { DATABASE_URL: url } = await readInstance({ REDIS_URL: UNUSED, ...process.env });
  if (mode === 'check') return (await check(url!, config)) ? 0 : 1;
  if (mode === 'schedule') await schedule(url!, config);
  else await backUp(mode, url!, config);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main()
    .then((code) => (process.exitCode = code))
    .catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      if (String(error).includes('ERR_PARSE_ARGS')) process.stderr.write(`${USAGE}\n`);
      process.exitCode = 1;
    });
}
