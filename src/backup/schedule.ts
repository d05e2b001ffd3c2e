import { setTimeout as sleep } from 'node:timers/promises';
import knexFactory, { type Knex } from 'knex';
import type { Logger } from '../log.js';
import { takeBase } from './base.js';
import { listBases, listDumps, rotateBases, rotateDumps } from './catalog.js';
import { takeDump } from './dump.js';
import { withClient } from './facts.js';
import type { PostgresPrograms } from './programs.js';
import { databaseOf } from './run-program.js';
import type { BackupConfig } from './settings.js';
import { recordFailure, recordSuccess, type BackupKind } from './status.js';
import {
  archiveSize,
  compressArchive,
  pruneArchives,
  readProgress,
  startArchiving,
  type Archiving,
} from './wal-archive.js';

export interface ScheduleDeps {
  readonly config: BackupConfig;
  readonly databaseUrl: string;
  readonly programs: PostgresPrograms;
  readonly log: Logger;
}

const TICK_MS = 2_000;
const RETRY_AFTER_MS = 60_000;
const TIDY_EVERY_MS = 60_000;
/** How often it is written down that the log is archived. */
const NOTE_WAL_EVERY_MS = 5_000;
const STOP_WITHIN_MS = 5_000;

/** Makes backups until it is stopped: what is due is told by the files that are there. */
export class BackupSchedule {
  private archiving: Archiving | null = null;
  private busy: Promise<void> | null = null;
  /** What was in the server's log when it was asked, and is not known to be archived yet. */
  private pending: { at: Date; lsn: bigint } | null = null;
  private notedWalAt = 0;
  private tidiedAt = 0;
  private readonly retryAt: Record<BackupKind, number> = { dump: 0, base: 0, wal: 0 };
  private readonly owner: Knex;

  constructor(private readonly deps: ScheduleDeps) {
    const connection = { connectionString: deps.databaseUrl, application_name: 'brokerx-backup' };
    this.owner = knexFactory({ client: 'pg', connection, pool: { min: 0, max: 1 } });
  }

  /** Returns when the signal has come and everything that was started has ended. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.archive();
      this.busy ??= this.nextJob(signal).finally(() => (this.busy = null));
      await sleep(TICK_MS, undefined, { signal }).catch(() => undefined);
    }
    await this.busy;
    const archiving = this.archiving;
    if (archiving) {
      archiving.child.kill('SIGINT'); // it finishes what it writes
      await Promise.race([archiving.ended, sleep(STOP_WITHIN_MS)]);
      archiving.child.kill('SIGKILL');
    }
    await this.owner.destroy();
  }

  private async archive(): Promise<void> {
    if (Date.now() < this.retryAt.wal) return;
    try {
      this.archiving ??= await this.beginArchiving();
      await this.noteProgress();
    } catch (error) {
      await this.failed('wal', error);
    }
  }

  private async beginArchiving(): Promise<Archiving> {
    const { config, databaseUrl, programs, log } = this.deps;
    const archiving = await startArchiving({ databaseUrl, folder: config.folder, programs });
    log.info('the log is archived', { archive: archiving.name });
    void archiving.ended.then(({ code, said }) => {
      log.warn('the log is not archived any more', { exit_code: code, said: said.trim() });
      this.archiving = null;
      this.pending = null;
    });
    return archiving;
  }

  /** "All that was committed before then is archived": true once the receiver is past that place. */
  private async noteProgress(): Promise<void> {
    const { config, databaseUrl } = this.deps;
    const { at, now, written } = await withClient(databaseUrl, readProgress);
    const reached = this.pending !== null && written !== null && written >= this.pending.lsn;
    if (reached && Date.now() - this.notedWalAt > NOTE_WAL_EVERY_MS) {
      const bytes = await archiveSize(config.folder);
      await recordSuccess(this.owner, 'wal', { coversAt: this.pending!.at, bytes });
      this.notedWalAt = Date.now();
    }
    if (this.pending === null || reached) this.pending = { at, lsn: now };
  }

  private async nextJob(signal: AbortSignal): Promise<void> {
    const { config, databaseUrl, programs, log } = this.deps;
    const request = { databaseUrl, folder: config.folder, programs, signal };
    const isStopped = () => signal.aborted;
    const jobs = [
      ['base', () => this.isBaseDue(), () => takeBase(request)],
      ['dump', () => this.isDumpDue(), () => takeDump(request)],
    ] as const;
    for (const [kind, isDue, take] of jobs) {
      if (isStopped() || Date.now() < this.retryAt[kind]) continue;
      try {
        if (!(await isDue())) continue;
        const startedAt = performance.now();
        const { covers_at: at, bytes } = await take();
        await recordSuccess(this.owner, kind, { coversAt: new Date(at), bytes });
        const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
        log.info('a backup is complete', { kind, covers_at: at, bytes, seconds });
        this.tidiedAt = 0;
      } catch (error) {
        if (!isStopped()) await this.failed(kind, error);
      }
    }
    await this.tidy().catch((error: unknown) => log.error('old backups stay', { error }));
  }

  private async isDumpDue(): Promise<boolean> {
    const { config, databaseUrl } = this.deps;
    const [newest] = await listDumps(config.folder, databaseOf(databaseUrl));
    return !newest || Date.now() - Date.parse(newest.covers_at) >= config.dumpEveryMs;
  }

  /** Also where the archive has a gap: from the newest one nothing could be recovered beyond it. */
  private async isBaseDue(): Promise<boolean> {
    if (this.archiving === null) return false;
    const [newest] = await listBases(this.deps.config.folder);
    if (!newest || newest.archive !== this.archiving.name) return true;
    return Date.now() - Date.parse(newest.covers_at) >= this.deps.config.baseEveryMs;
  }

  private async tidy(): Promise<void> {
    if (Date.now() - this.tidiedAt < TIDY_EVERY_MS) return;
    this.tidiedAt = Date.now();
    const { folder, keepBases, keepDumps } = this.deps.config;
    await rotateDumps(folder, databaseOf(this.deps.databaseUrl), keepDumps);
    await pruneArchives(folder, await rotateBases(folder, keepBases));
    if (this.archiving) await compressArchive(folder, this.archiving.name);
  }

  private async failed(kind: BackupKind, error: unknown): Promise<void> {
    this.retryAt[kind] = Date.now() + (kind === 'wal' ? TICK_MS * 5 : RETRY_AFTER_MS);
    this.deps.log.error('a backup failed', { kind, error });
    const text = error instanceof Error ? error.message : String(error);
    // Postgres may be what is away: then the age of the last backup tells.
    await recordFailure(this.owner, kind, { at: new Date(), error: text }).catch(() => undefined);
  }
}
