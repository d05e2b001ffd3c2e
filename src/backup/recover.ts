import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { STOP_STEPS } from '../embedded/postgres-place.js';
import { ServerProcess } from '../embedded/server-process.js';
import { serverUser, type ServerUser } from '../embedded/server-user.js';
import { owned, stageLog, unpack } from './base-files.js';
import { listBases, verifyChecksum, type Base } from './catalog.js';
import { withClient } from './facts.js';
import type { PostgresPrograms } from './programs.js';

/** A moment, or the end of what was archived. */
export type Target = Date | 'end';

export interface RecoverRequest {
  /** Of all backups. */
  readonly folder: string;
  readonly target: Target;
  readonly programs: PostgresPrograms;
  /** Where there is room for a copy of the server; a folder of ours is made in it, and removed. */
  readonly scratch?: string;
  readonly say: (text: string) => void;
}

/** The recovered server: reached through a socket in a folder that only we may enter. */
export interface Recovered {
  readonly base: Base;
  /** @returns the address of one of its databases */
  readonly url: (database: string) => string;
  /** Ends it and removes its files. */
  readonly stop: () => Promise<void>;
}

const RECOVERED_WITHIN_MS = 6 * 3_600_000;
const ASKED_EVERY_MS = 100;

/**
 * The newest base backup from which the target can be reached.
 * @throws Error that says which times can be reached, when there is none
 */
export async function chooseBase(folder: string, target: Target): Promise<Base> {
  const bases = await listBases(folder);
  const [newest] = bases;
  if (!newest) throw new Error(`There is no base backup in ${folder}`);
  if (target === 'end') return newest;
  const base = bases.find(({ covers_at: at }) => new Date(at) <= target);
  if (base) return base;
  throw new Error(
    `${target.toISOString()} is before the oldest base backup: --at may be ` +
      `${bases.at(-1)!.covers_at} or later`,
  );
}

/**
 * Recovers the whole server as it was at a moment, beside the one that runs: unpacks a base backup,
 * replays the archived log up to there, and opens it.
 * @throws Error for a damaged backup, and for a time that the archive does not reach
 */
export async function recover(request: RecoverRequest): Promise<Recovered> {
  const { folder, target, programs, say } = request;
  const base = await chooseBase(folder, target);
  say(`Checking and unpacking the base backup of ${base.covers_at}`);
  for (const [file, sha256] of Object.entries(base.sha256)) {
    await verifyChecksum(join(base.folder, file), sha256);
  }
  // Postgres does not run as root: then everything here is another user's.
  const root = process.getuid?.() === 0;
  const scratch = await mkdtemp(
    join(request.scratch ?? (root ? '/var/tmp' : folder), 'brokerx-recover-'),
  );
  // The path of a socket may be no longer than about 100 characters.
  const socket = await mkdtemp(join(root ? '/var/tmp' : tmpdir(), 'brokerx-socket-'));
  const user = serverUser(join(scratch, 'absent'));
  const remove = async () => {
    for (const path of [scratch, socket]) {
      await rm(path, { recursive: true, force: true, maxRetries: 5 });
    }
  };
  try {
    for (const path of [scratch, socket]) await owned(path, user);
    const data = join(scratch, 'data');
    await unpack(base, data, user);
    const files = await stageLog(folder, base, join(data, 'pg_wal'), user);
    say(
      `Replaying up to ${target === 'end' ? 'its end' : target.toISOString()} (${files} files of the log)`,
    );
    const command = await programs.server(user, scratch);
    const server = await startRecovery({
      command,
      data,
      scratch,
      socket,
      target,
      user,
      role: base.user,
      say,
    });
    return {
      base,
      url: (database) => socketUrl(socket, database, base.user),
      stop: async () => {
        await server.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The host before the name is only there because an address must have one. */
const socketUrl = (socket: string, database: string, user: string): string =>
  `postgres://${encodeURIComponent(user)}@localhost/${encodeURIComponent(database)}` +
  `?host=${encodeURIComponent(socket)}`;

interface RecoveryPlace {
  readonly command: string;
  readonly data: string;
  readonly scratch: string;
  readonly socket: string;
  readonly target: Target;
  /** Of the machine. */
  readonly user: ServerUser | null;
  /** Of Postgres. */
  readonly role: string;
  readonly say: (text: string) => void;
}

async function startRecovery(place: RecoveryPlace): Promise<ServerProcess> {
  const { command, data, scratch, socket, target, user, role, say } = place;
  const hba = join(scratch, 'pg_hba.conf');
  const config = join(scratch, 'postgresql.conf');
  await writeFile(hba, 'local all all trust\n', { mode: 0o600 });
  await writeFile(config, '', { mode: 0o600 }); // the copy may have none, or another machine's
  await writeFile(join(data, 'recovery.signal'), '');
  for (const file of [hba, config, join(data, 'recovery.signal')]) await owned(file, user);
  const log = join(scratch, 'server.log');
  closeSync(openSync(log, 'a', 0o600));
  try {
    return await ServerProcess.start({
      name: 'Postgres',
      command,
      // On the command line: what came with the copy (ALTER SYSTEM) counts more than any file of ours.
      args: ['-D', data, `--config-file=${config}`, ...settingsOf(socket, hba, target)],
      env: { PATH: process.env['PATH'], TZ: 'UTC' },
      cwd: '/',
      user,
      logFile: log,
      pidFile: join(scratch, 'server.json'),
      stopSteps: STOP_STEPS,
      prepare: () => undefined,
      untilReady: (_pid, signal) => untilOpen(socketUrl(socket, 'postgres', role), signal),
      readyWithinMs: RECOVERED_WITHIN_MS,
      notice: say,
    });
  } catch (error) {
    if (target !== 'end' && String(error).includes('recovery ended before configured')) {
      const last = /last completed transaction was at log time (\S+ \S+)/.exec(String(error))?.[1];
      throw new Error(
        `The archive ends before ${target.toISOString()}${last ? ` (last commit: ${last} UTC)` : ''}. ` +
          'Name an earlier time, or --at end',
        { cause: error },
      );
    }
    throw error;
  }
}

/** Nobody depends on this copy: it need not survive a crash, and so is made faster. */
function settingsOf(socket: string, hba: string, target: Target): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '',
    unix_socket_directories: socket,
    unix_socket_permissions: '0700',
    hba_file: hba,
    hot_standby: 'off', // or it would insist on the server's own max_connections and the like
    restore_command: 'false', // everything is in pg_wal already
    recovery_target_timeline: 'latest',
    recovery_target_action: 'promote',
    archive_mode: 'off',
    fsync: 'off',
    full_page_writes: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    jit: 'off',
    ...(target === 'end' ? {} : { recovery_target_time: withOffset(target) }),
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Postgres reads the setting before it knows the names of time zones, Z among them. */
const withOffset = (time: Date): string => time.toISOString().replace('Z', '+00');

/** It takes no connection before it has recovered. */
async function untilOpen(url: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const open = await withClient(url, async (client) => {
      const { rows } = await client.query<{ replays: boolean }>(
        'select pg_is_in_recovery() as replays',
      );
      return !rows[0]!.replays;
    }).catch(() => false);
    if (open) return;
    await sleep(ASKED_EVERY_MS, undefined, { signal });
  }
}
