import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  dumpsFolder,
  privateFolder,
  sha256Of,
  stampOf,
  writeManifest,
  type Dump,
  type DumpManifest,
} from './catalog.js';
import { inSnapshot, majorVersion, readFacts, readRoles, withClient } from './facts.js';
import type { PostgresPrograms } from './programs.js';
import { databaseOf, runProgram } from './run-program.js';

export interface DumpRequest {
  readonly databaseUrl: string;
  /** Of all backups. */
  readonly folder: string;
  readonly programs: PostgresPrograms;
  readonly signal?: AbortSignal;
}

/**
 * Dumps a database while others work on it. What the dump must hold is read in the same snapshot, so
 * that a restore can be proved and not only be done.
 * @throws Error when it fails; nothing that could be taken for a backup is left then
 */
export async function takeDump(request: DumpRequest): Promise<Dump> {
  const { databaseUrl, folder, programs, signal } = request;
  const program = await programs.client('pg_dump');
  await privateFolder(folder);
  await privateFolder(dumpsFolder(folder));
  const database = databaseOf(databaseUrl);
  return withClient(databaseUrl, (client) =>
    inSnapshot(client, async () => {
      const { rows } = await client.query<{ snapshot: string; at: Date }>(
        'select pg_export_snapshot() as snapshot, clock_timestamp() as at',
      );
      const { snapshot, at } = rows[0]!;
      const file = join(dumpsFolder(folder), `${database}-${stampOf(at)}.dump`);
      const unfinished = `${file}.unfinished`;
      const args = ['--format=custom', `--snapshot=${snapshot}`, `--file=${unfinished}`];
      try {
        // Side by side: both read everything once.
        const dumped = runProgram(program, databaseUrl, args, signal);
        const facts = await readFacts(client).catch(async (error: unknown) => {
          await dumped.catch(() => undefined);
          throw error;
        });
        await dumped;
        const manifest: DumpManifest = {
          kind: 'dump',
          database,
          covers_at: at.toISOString(),
          finished_at: new Date().toISOString(),
          server_major: await majorVersion(client),
          bytes: (await stat(unfinished)).size,
          sha256: await sha256Of(unfinished),
          roles: await readRoles(client),
          facts,
        };
        await rename(unfinished, file);
        await writeManifest(file, manifest);
        return { ...manifest, file };
      } catch (error) {
        await rm(unfinished, { force: true });
        throw error;
      }
    }),
  );
}
