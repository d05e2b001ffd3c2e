import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { majorVersion, withClient } from '../../src/backup/facts.js';
import { PostgresPrograms } from '../../src/backup/programs.js';

/** A folder for backups, below the run's own. */
export const createBackupFolder = (): Promise<string> =>
  mkdtemp(join(process.env['BROKERX_TEST_DIR']!, 'backups-'));

/**
 * Postgres' programs for that server: from PATH, or unpacked.
 * @returns null where there are none and none can be had; it is said then
 */
export async function findBackupPrograms(url: string): Promise<PostgresPrograms | null> {
  const major = await withClient(url, majorVersion);
  const kept = join(process.env['BROKERX_TEST_DIR']!, 'programs');
  const programs = new PostgresPrograms(major, kept, () => undefined);
  try {
    await programs.client('pg_dump');
    return programs;
  } catch (error) {
    process.stdout.write(`    skipped: ${String(error)}\n`);
    return null;
  }
}
