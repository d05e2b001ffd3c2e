import type { Knex } from 'knex';
import { backupFailures, backupLastSuccess, backupSize } from './metrics.js';

/** A dump of one database, a base backup of the whole server, and the log that goes on from there. */
export const BACKUP_KINDS = ['dump', 'base', 'wal'] as const;
export type BackupKind = (typeof BACKUP_KINDS)[number];

export interface BackupStatus {
  kind: BackupKind;
  last_success_at: Date | null;
  bytes: string | bigint | null;
  failures: number;
  last_failure_at: Date | null;
  last_error: string | null;
}

const ERROR_MAX = 1_000;

export const readBackupStatus = (knex: Knex): Promise<BackupStatus[]> =>
  knex<BackupStatus>('backup_status').select().orderBy('kind');

/**
 * @param knex     as the database's owner: the application only reads
 * @param coversAt what was committed before is in the backup
 */
export const recordSuccess = (
  knex: Knex,
  kind: BackupKind,
  { coversAt, bytes }: { coversAt: Date; bytes: number },
): Promise<number> =>
  knex('backup_status')
    .where({ kind })
    .update({ last_success_at: coversAt, bytes, failures: 0, last_error: null });

/** As the database's owner. */
export const recordFailure = (
  knex: Knex,
  kind: BackupKind,
  { at, error }: { at: Date; error: string },
): Promise<number> =>
  knex('backup_status')
    .where({ kind })
    .update({
      failures: knex.raw('failures + 1'),
      last_failure_at: at,
      last_error: error.slice(0, ERROR_MAX),
    });

/** Keeps the metrics of what is recorded. */
export async function measureBackups(knex: Knex): Promise<void> {
  for (const { kind, last_success_at: at, bytes, failures } of await readBackupStatus(knex)) {
    backupLastSuccess.set({ kind }, at === null ? 0 : at.getTime() / 1_000);
    backupSize.set({ kind }, Number(bytes ?? 0));
    backupFailures.set({ kind }, failures);
  }
}
