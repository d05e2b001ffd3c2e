import { join, resolve } from 'node:path';
import Joi from 'joi';
import type { Retention } from '../domain/backup-retention.js';

/** Settings of backups, which only `npm run backup` and `npm run restore` read. */
export interface BackupConfig {
  /** Where the backups are: best on another disk, and copied to another place. */
  readonly folder: string;
  readonly dumpEveryMs: number;
  readonly baseEveryMs: number;
  readonly keepDumps: Retention;
  /** Base backups, and the archived log since the oldest of them. */
  readonly keepBases: number;
  /** Where unpacked programs are kept. */
  readonly dataDir: string;
}

interface Settings {
  DATA_DIR: string;
  BACKUP_DIR?: string;
  BACKUP_DUMP_EVERY_H: number;
  BACKUP_BASE_EVERY_H: number;
  BACKUP_KEEP_DAILY: number;
  BACKUP_KEEP_WEEKLY: number;
  BACKUP_KEEP_MONTHLY: number;
  BACKUP_KEEP_BASES: number;
}

const HOUR_MS = 3_600_000;
const hours = () => Joi.number().positive().max(720);
const count = (least: number) => Joi.number().integer().min(least).max(1_000);

const settings = Joi.object({
  DATA_DIR: Joi.string().default('.brokerx'),
  BACKUP_DIR: Joi.string(),
  BACKUP_DUMP_EVERY_H: hours().default(6),
  BACKUP_BASE_EVERY_H: hours().default(24),
  BACKUP_KEEP_DAILY: count(1).default(7),
  BACKUP_KEEP_WEEKLY: count(0).default(4),
  BACKUP_KEEP_MONTHLY: count(0).default(12),
  BACKUP_KEEP_BASES: count(1).default(2),
}).unknown(true);

/** @throws Error that names every wrong setting, what it was and what it may be */
export function readBackupConfig(env: NodeJS.ProcessEnv): BackupConfig {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = settings.validate(present, { abortEarly: false });
  if (result.error) {
    const lines = result.error.details.map(({ path, message, context }) => {
      return `${String(path[0])} was ${JSON.stringify(context?.value)}: ${message}`;
    });
    throw new Error(`Bad settings:\n  ${lines.join('\n  ')}`);
  }
  const read = result.value as Settings;
  return {
    folder: resolve(read.BACKUP_DIR ?? join(read.DATA_DIR, 'backups')),
    dumpEveryMs: read.BACKUP_DUMP_EVERY_H * HOUR_MS,
    baseEveryMs: read.BACKUP_BASE_EVERY_H * HOUR_MS,
    keepDumps: {
      daily: read.BACKUP_KEEP_DAILY,
      weekly: read.BACKUP_KEEP_WEEKLY,
      monthly: read.BACKUP_KEEP_MONTHLY,
    },
    keepBases: read.BACKUP_KEEP_BASES,
    dataDir: resolve(read.DATA_DIR),
  };
}
