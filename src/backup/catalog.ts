import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { backupsToKeep, type Retention } from '../domain/backup-retention.js';
import type { DatabaseFacts } from './facts.js';

/**
 * The backups are files, and a file of JSON beside each says what it is: it is written last, so one
 * without is not complete. Nothing else is needed to restore them.
 */

/** Of a dump: `dumps/DATABASE-TIME.dump`, Postgres' custom format. */
export interface DumpManifest {
  readonly kind: 'dump';
  readonly database: string;
  /** The snapshot: what was committed before is in it. ISO 8601. */
  readonly covers_at: string;
  readonly finished_at: string;
  readonly server_major: number;
  readonly bytes: number;
  readonly sha256: string;
  /** Of the server, that the dump's grants name. */
  readonly roles: readonly string[];
  readonly facts: DatabaseFacts;
}

/** Of a base backup: `base/TIME/`, the whole server as tar files. */
export interface BaseManifest {
  readonly kind: 'base';
  /** It can be recovered to any time after this. ISO 8601. */
  readonly covers_at: string;
  readonly finished_at: string;
  readonly server_major: number;
  readonly bytes: number;
  /** By file. */
  readonly sha256: Readonly<Record<string, string>>;
  /** The folder in `wal/` that goes on from it; null when nothing was archived. */
  readonly archive: string | null;
  /** The first file of the log that it needs. */
  readonly first_wal: string;
  /** Postgres' role that made it, and so exists in it. */
  readonly user: string;
}

export interface Dump extends DumpManifest {
  readonly file: string;
}
export interface Base extends BaseManifest {
  readonly folder: string;
}

export const dumpsFolder = (folder: string): string => join(folder, 'dumps');
export const basesFolder = (folder: string): string => join(folder, 'base');
export const archivesFolder = (folder: string): string => join(folder, 'wal');
const manifestOf = (path: string): string => `${path}.json`;

/** A time as part of a file's name, sortable: 20261127T034500.123Z. */
export const stampOf = (time: Date): string => time.toISOString().replaceAll(/[-:]/g, '');

/** For folders that only we may enter: the backups hold everything that the database does. */
export async function privateFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  return path;
}

/** SHA-256 in hex. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** @throws Error when there is none, or it is not one */
export async function readManifest<Manifest extends DumpManifest | BaseManifest>(
  path: string,
  kind: Manifest['kind'],
): Promise<Manifest> {
  const file = manifestOf(path);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Error(`${path} has no checksum: ${file} cannot be read`, { cause: error });
  });
  const manifest = JSON.parse(text) as Manifest;
  if (manifest.kind === kind) return manifest;
  throw new Error(`${file} is of a backup of kind ${manifest.kind}, not ${kind}`);
}

/** Replaces it in one step. */
export async function writeManifest(
  path: string,
  manifest: DumpManifest | BaseManifest,
): Promise<void> {
  const unfinished = `${manifestOf(path)}.unfinished`;
  await writeFile(unfinished, `${JSON.stringify(manifest, null, 2)}\n`, {
    mode: 0o600,
    flush: true,
  });
  await rename(unfinished, manifestOf(path));
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).toSorted();
}

const newestFirst = <Backup extends { covers_at: string }>(backups: Backup[]): Backup[] =>
  backups.toSorted((a, b) => b.covers_at.localeCompare(a.covers_at));

/** The complete dumps, newest first; of one database, or of all. */
export async function listDumps(folder: string, database?: string): Promise<Dump[]> {
  const names = (await namesIn(dumpsFolder(folder))).filter((name) => name.endsWith('.dump.json'));
  const dumps = names.map(async (name): Promise<Dump> => {
    const file = join(dumpsFolder(folder), name.slice(0, -'.json'.length));
    return { ...(await readManifest<DumpManifest>(file, 'dump')), file };
  });
  const all = await Promise.all(dumps);
  return newestFirst(all.filter((dump) => database === undefined || dump.database === database));
}

/** The complete base backups, newest first. */
export async function listBases(folder: string): Promise<Base[]> {
  const names = (await namesIn(basesFolder(folder))).filter((name) => name.endsWith('.json'));
  const bases = names.map(async (name): Promise<Base> => {
    const base = join(basesFolder(folder), name.slice(0, -'.json'.length));
    return { ...(await readManifest<BaseManifest>(base, 'base')), folder: base };
  });
  return newestFirst(await Promise.all(bases));
}

/** Removes the dumps of a database that need not be kept. @returns their files */
export async function rotateDumps(
  folder: string,
  database: string,
  retention: Retention,
): Promise<string[]> {
  const dumps = await listDumps(folder, database);
  const times = dumps.map(({ covers_at: at }) => new Date(at));
  const kept = new Set(backupsToKeep(times, retention).map((time) => time.toISOString()));
  const old = dumps.filter(({ covers_at: at }) => !kept.has(new Date(at).toISOString()));
  for (const { file } of old) {
    await rm(manifestOf(file)); // first: without it the file counts for nothing
    await rm(file, { force: true });
  }
  return old.map(({ file }) => file);
}

/** Removes all but the newest base backups. @returns those that stay, newest first */
export async function rotateBases(folder: string, keep: number): Promise<Base[]> {
  const bases = await listBases(folder);
  for (const { folder: base } of bases.slice(keep)) {
    await rm(manifestOf(base));
    await rm(base, { recursive: true, force: true });
  }
  return bases.slice(0, keep);
}

/** @throws Error that names the file which is not as it was written */
export async function verifyChecksum(file: string, sha256: string): Promise<void> {
  const found = await sha256Of(file);
  if (found === sha256) return;
  throw new Error(
    `${file} is damaged: its SHA-256 is ${found}, and was ${sha256} when it was written. ` +
      'Take another backup (npm run backup -- --list)',
  );
}
