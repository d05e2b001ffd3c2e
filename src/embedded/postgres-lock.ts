import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from './pid-file.js';

const READY_POLL_MS = 10;

const lockLines = (data: string): string[] => {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return [];
  }
};

/**
 * After a kill -9 the lock file stays, and its process number may belong to anybody by now. A
 * Postgres that still runs on this data is left to Postgres' own check, which refuses.
 */
export function removeStaleLock(data: string): void {
  const pid = Number(lockLines(data)[0]);
  if (!pid || (isRunning(pid) && commandOf(pid).includes(data))) return;
  rmSync(join(data, 'postmaster.pid'), { force: true });
}

function commandOf(pid: number): string {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    } catch {
      return '';
    }
  }
  return spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout;
}

/** The server writes `ready` into its lock file when it accepts connections. */
export async function untilReady(data: string, pid: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const lines = lockLines(data);
    if (Number(lines[0]) === pid && lines[7]?.trim() === 'ready') return;
    await sleep(READY_POLL_MS);
  }
}
