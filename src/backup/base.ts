import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  basesFolder,
  privateFolder,
  sha256Of,
  stampOf,
  writeManifest,
  type Base,
  type BaseManifest,
} from './catalog.js';
import type { DumpRequest } from './dump.js';
import { majorVersion, withClient } from './facts.js';
import { runProgram } from './run-program.js';
import { archiveOf } from './wal-archive.js';

/**
 * Copies the whole server's files while it works. With the log that is archived from then on it can be
 * recovered to any moment; the log that the copy itself needs comes with it.
 * @throws Error when it fails, as for who may not replicate; nothing that could be taken for a backup is
 *   left then
 */
export async function takeBase(request: DumpRequest): Promise<Base> {
  const { databaseUrl, folder, programs, signal } = request;
  const program = await programs.client('pg_basebackup');
  await privateFolder(folder);
  await privateFolder(basesFolder(folder));
  const before = await withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<{ at: Date; wal: string; role: string }>(
      `select clock_timestamp() as at, current_user as role,
         pg_walfile_name(pg_current_wal_lsn()) as wal`,
    );
    // The copy begins with a checkpoint that is later: this file is the first needed, or before it.
    const archive = await archiveOf(client, folder);
    return { ...rows[0]!, archive, major: await majorVersion(client) };
  });
  const base = join(basesFolder(folder), stampOf(before.at));
  const unfinished = `${base}.unfinished`;
  const args = [`--pgdata=${unfinished}`, '--format=tar', '--gzip', '--wal-method=stream'];
  args.push('--checkpoint=fast', '--label=brokerx');
  try {
    await runProgram(program, databaseUrl, args, signal);
    const files = await readdir(unfinished);
    const sizes = await Promise.all(files.map((file) => stat(join(unfinished, file))));
    const sums = files.map(async (file) => [file, await sha256Of(join(unfinished, file))] as const);
    // It can be recovered to what came after its end, and to nothing earlier.
    const [ended] = await withClient(databaseUrl, async (client) => {
      return (await client.query<{ at: Date }>('select clock_timestamp() as at')).rows;
    });
    const manifest: BaseManifest = {
      kind: 'base',
      covers_at: ended!.at.toISOString(),
      finished_at: new Date().toISOString(),
      server_major: before.major,
      bytes: sizes.reduce((sum, { size }) => sum + size, 0),
      sha256: Object.fromEntries(await Promise.all(sums)),
      archive: before.archive,
      first_wal: before.wal,
      user: before.role,
    };
    await rename(unfinished, base);
    await writeManifest(base, manifest);
    return { ...manifest, folder: base };
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}
