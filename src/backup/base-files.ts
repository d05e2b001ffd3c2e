import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { chown, copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { asUser, type ServerUser } from '../embedded/server-user.js';
import { archivesFolder, type Base } from './catalog.js';

/** Gives it to the server's user. */
export async function owned(path: string, user: ServerUser | null): Promise<void> {
  if (user) await chown(path, user.uid, user.gid);
}

/** Unpacks a base backup into a new data folder. */
export async function unpack(base: Base, data: string, user: ServerUser | null): Promise<void> {
  await mkdir(data, { mode: 0o700 });
  await owned(data, user);
  const wal = join(data, 'pg_wal');
  await untar(join(base.folder, 'base.tar.gz'), data, user);
  await untar(join(base.folder, 'pg_wal.tar.gz'), wal, user);
}

/** As the server's user, to whom the files belong then. */
async function untar(archive: string, into: string, user: ServerUser | null): Promise<void> {
  const child = spawn('tar', ['-xf', '-'], {
    ...asUser(user),
    cwd: into,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  await Promise.all([
    pipeline(createReadStream(archive), createGunzip(), child.stdin),
    ended,
  ]).catch((error: unknown) => {
    throw new Error(`${archive} cannot be unpacked: ${String(error)} ${said}`, { cause: error });
  });
  if ((await ended) !== 0) throw new Error(`${archive} cannot be unpacked: ${said}`);
}

/**
 * Puts the archived log where the server looks for it by itself, so that it needs to enter none of our
 * folders. The file that was being received counts, too.
 * @returns how many files
 */
export async function stageLog(
  folder: string,
  base: Base,
  wal: string,
  user: ServerUser | null,
): Promise<number> {
  if (base.archive === null) return 0;
  const archive = join(archivesFolder(folder), base.archive);
  const names = (await readdir(archive)).filter((name) =>
    /^[\dA-F]{24}(\.gz|\.partial)?$/.test(name),
  );
  const needed = names.filter((name) => name.slice(0, 24) >= base.first_wal).toSorted();
  // Sorted, NAME.gz and then NAME.partial follow NAME: the first of a name is the complete one.
  const byName = new Map<string, string>();
  for (const file of needed) {
    const name = file.slice(0, 24);
    if (!byName.has(name)) byName.set(name, file);
  }
  for (const [name, file] of byName) {
    const [from, to] = [join(archive, file), join(wal, name)];
    if (file.endsWith('.gz')) {
      await pipeline(
        createReadStream(from),
        createGunzip(),
        createWriteStream(to, { mode: 0o600 }),
      );
    } else await copyFile(from, to);
    await owned(to, user);
  }
  return byName.size;
}
