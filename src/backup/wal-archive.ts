import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import type pg from 'pg';
import { archivesFolder, privateFolder, stampOf, type Base } from './catalog.js';
import { withClient } from './facts.js';
import type { PostgresPrograms } from './programs.js';
import { runProgram, startProgram, type Running } from './run-program.js';

/**
 * The write-ahead log, received as it is written. Each folder in `wal/` is one piece without a gap, of
 * one server; a new one is begun when the server is another, or when it has thrown away what was not
 * received yet.
 */

/** Keeps the server from throwing away what was not received. */
export const SLOT = 'brokerx_backup';
const ABOUT = 'archive.json';
const SEGMENT = /^[\dA-F]{24}$/;
/** How often the receiver tells the server how far it is. */
const STATUS_INTERVAL_S = 1;

interface About {
  /** Of the cluster: a restored copy has the same, a new server another. */
  readonly system: string;
  /** Of the history: a recovered server begins a new one. */
  readonly timeline: number;
}

async function aboutServer(client: pg.Client): Promise<About> {
  const { rows } = await client.query<{ system: string; timeline: number }>(
    `select (pg_control_system()).system_identifier::text as system,
       (pg_control_checkpoint()).timeline_id as timeline`,
  );
  return rows[0]!;
}

/** The newest piece, and whose it is; null when nothing was ever archived. */
async function newestArchive(folder: string): Promise<{ name: string; about: About } | null> {
  const names = await readdir(archivesFolder(folder)).catch(() => []);
  const name = names.toSorted().at(-1);
  if (name === undefined) return null;
  const text = await readFile(join(archivesFolder(folder), name, ABOUT), 'utf8');
  return { name, about: JSON.parse(text) as About };
}

/** The piece that a base backup taken now would go on with; null when none is being received. */
export async function archiveOf(client: pg.Client, folder: string): Promise<string | null> {
  const newest = await newestArchive(folder);
  if (newest === null || !isSame(newest.about, await aboutServer(client))) return null;
  const { rowCount } = await client.query(
    'select from pg_replication_slots where slot_name = $1 and active',
    [SLOT],
  );
  return rowCount === 0 ? null : newest.name;
}

const isSame = (a: About, b: About): boolean => a.system === b.system && a.timeline === b.timeline;

export interface Archiving extends Running {
  /** Of the piece that is received. */
  readonly name: string;
}

export interface ArchiveRequest {
  readonly databaseUrl: string;
  readonly folder: string;
  readonly programs: PostgresPrograms;
}

/**
 * Begins to receive the log; it ends when the connection breaks, and is to be begun again then.
 * @throws Error when the server has no slot to give
 */
export async function startArchiving(request: ArchiveRequest): Promise<Archiving> {
  const { databaseUrl, folder, programs } = request;
  const program = await programs.client('pg_receivewal');
  const name = await withClient(databaseUrl, (client) => chooseArchive(client, folder));
  const slot = [`--slot=${SLOT}`];
  await runProgram(program, databaseUrl, [...slot, '--create-slot', '--if-not-exists']);
  const args = [
    ...slot,
    `--directory=${join(archivesFolder(folder), name)}`,
    `--status-interval=${STATUS_INTERVAL_S}`,
    '--no-loop', // we begin again ourselves, and see first whether the log still goes on
  ];
  return { ...startProgram(program, databaseUrl, args), name };
}

/** Goes on with the newest piece where that can be gone on with, else begins one. */
async function chooseArchive(client: pg.Client, folder: string): Promise<string> {
  await privateFolder(folder);
  await privateFolder(archivesFolder(folder));
  const about = await aboutServer(client);
  const newest = await newestArchive(folder);
  const { rows } = await client.query<{ lost: boolean; active: boolean }>(
    `select coalesce(wal_status = 'lost', false) as lost, active from pg_replication_slots
     where slot_name = $1`,
    [SLOT],
  );
  const [slot] = rows;
  if (slot?.active) {
    throw new Error(
      `The replication slot ${SLOT} is in use: another process archives the log of this server`,
    );
  }
  if (newest && slot && !slot.lost && isSame(newest.about, about)) return newest.name;
  // From here on there is a gap: what follows is a piece of its own, from a new slot on.
  if (slot) await client.query('select pg_drop_replication_slot($1)', [SLOT]);
  const name = stampOf(new Date());
  await mkdir(join(archivesFolder(folder), name), { mode: 0o700 });
  await writeFile(join(archivesFolder(folder), name, ABOUT), JSON.stringify(about));
  return name;
}

/** Where the server is, and how far the receiver has written to its files; null: it is not connected. */
export async function readProgress(
  client: pg.Client,
): Promise<{ at: Date; now: bigint; written: bigint | null }> {
  const { rows } = await client.query<{ at: Date; now: string; written: string | null }>(
    `select clock_timestamp() as at, (pg_current_wal_lsn() - '0/0')::text as now,
       (select (r.write_lsn - '0/0')::text from pg_replication_slots s
        join pg_stat_replication r on r.pid = s.active_pid where s.slot_name = $1) as written`,
    [SLOT],
  );
  const { at, now, written } = rows[0]!;
  return { at, now: BigInt(now), written: written === null ? null : BigInt(written) };
}

/** A file of the log is 16 MB however little is in it: the complete ones are compressed. */
export async function compressArchive(folder: string, name: string): Promise<void> {
  const archive = join(archivesFolder(folder), name);
  const complete = (await readdir(archive)).filter((file) => SEGMENT.test(file)).toSorted();
  // The newest stays: pg_receivewal looks at it when it begins again.
  for (const file of complete.slice(0, -1)) {
    const unfinished = join(archive, `${file}.gz.unfinished`);
    const level = constants.Z_BEST_SPEED;
    await pipeline(
      createReadStream(join(archive, file)),
      createGzip({ level }),
      createWriteStream(unfinished, { mode: 0o600, flush: true }),
    );
    await rename(unfinished, join(archive, `${file}.gz`));
    await rm(join(archive, file));
  }
}

/** Removes what no base backup needs: pieces that none begins in, and files before the first needed. */
export async function pruneArchives(folder: string, bases: readonly Base[]): Promise<void> {
  const newest = (await newestArchive(folder))?.name;
  for (const name of await readdir(archivesFolder(folder)).catch(() => [])) {
    const archive = join(archivesFolder(folder), name);
    const needed = bases.filter((base) => base.archive === name).map((base) => base.first_wal);
    if (needed.length === 0) {
      if (name !== newest) await rm(archive, { recursive: true, force: true });
      continue; // nothing to go on from yet: the first base backup is on its way
    }
    const first = needed.toSorted()[0]!;
    for (const file of await readdir(archive)) {
      if (/^[\dA-F]{24}/.test(file) && file.slice(0, 24) < first) await rm(join(archive, file));
    }
  }
}

/** In bytes, of all pieces. */
export async function archiveSize(folder: string): Promise<number> {
  const files = await readdir(archivesFolder(folder), { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((file) => file.isFile())
    .map(async (file) => (await stat(join(file.parentPath, file.name)).catch(() => null))?.size);
  return (await Promise.all(sizes)).reduce<number>((sum, size) => sum + (size ?? 0), 0);
}
