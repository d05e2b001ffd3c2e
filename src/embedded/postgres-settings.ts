import { spawnSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { asUser, type ServerUser } from './server-user.js';

const MB = 1024 * 1024;
const SHARED_BUFFERS_MB = { most: 512, least: 32, shareOfRam: 8 } as const;
const WAL_MB = { most: 8_192, least: 256, shareOfDisk: 4 } as const;

const clamp = (value: number, least: number, most: number): number =>
  Math.max(least, Math.min(most, Math.floor(value)));

/** RAM that we may use: a container's limit counts, where there is one. */
function usableRam(): number {
  const limit = process.constrainedMemory(); // 0 or a huge number: no limit
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

function freeDisk(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Whether these programs were built with lz4: asking costs 10 ms, a wrong guess the start. */
function walCompression(native: string, data: string, user: ServerUser | null): string {
  const args = ['-D', data, '-c', 'wal_compression=lz4', '-C', 'wal_compression'];
  const { status } = spawnSync(join(native, 'bin/postgres'), args, {
    ...asUser(user),
    cwd: '/',
    stdio: 'ignore',
  });
  return status === 0 ? 'lz4' : 'on';
}

/**
 * Server settings: fast without giving up anything that was committed.
 * @param native the programs' folder
 * @param data   the data folder
 * @param port   TCP port on the loopback address, the server's only entrance
 * @returns names and values for `postgres -c name=value`
 */
export function postgresSettings(
  native: string,
  data: string,
  port: number,
  user: ServerUser | null,
): Readonly<Record<string, string>> {
  const { most, least, shareOfRam } = SHARED_BUFFERS_MB;
  const buffersMb = clamp(usableRam() / MB / shareOfRam, least, most);
  const walMb = clamp(freeDisk(data) / MB / WAL_MB.shareOfDisk, WAL_MB.least, WAL_MB.most);
  return {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '', // one way in, with a password
    max_connections: '300',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    shared_buffers: `${buffersMb}MB`,
    max_wal_size: `${walMb}MB`,
    checkpoint_timeout: '15min', // rare checkpoints: fewer full pages in the log
    wal_compression: walCompression(native, data, user),
    jit: 'off', // compiling costs more than our short statements take
    random_page_cost: '1.1',
    autovacuum_naptime: '10s', // the work list turns over quickly
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] ',
  };
}
