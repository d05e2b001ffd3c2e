import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const PID_FILE_MODE = 0o600;
const POLL_MS = 20;

/**
 * What tells a process from a later one with the same number: its start time.
 * @returns null when there is no such process, or only the entry of a dead one (a zombie)
 */
function startOf(pid: number): string | null {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name may hold spaces
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return fields[0] === 'Z' || fields[0] === 'X' ? null : `${boot}:${fields[19]}`;
    } catch {
      return null;
    }
  }
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() || null;
}

/** True while the process runs; a zombie does not count. */
export const isRunning = (pid: number): boolean => startOf(pid) !== null;

const contentOf = (pid: number): string => JSON.stringify({ pid, started: startOf(pid) });

/** Notes which process is at work, in a way that a reused process number cannot fool. */
export function writePidFile(path: string, pid: number): void {
  writeFileSync(path, contentOf(pid), { mode: PID_FILE_MODE });
}

/**
 * Takes the file for this process.
 * @returns null when it is ours now, else the number of the running process that holds it
 */
export function claimPidFile(path: string): number | null {
  const holder = livePid(path);
  if (holder !== null) return holder;
  rmSync(path, { force: true }); // of a process that is gone
  try {
    writeFileSync(path, contentOf(process.pid), { flag: 'wx', mode: PID_FILE_MODE });
    return null;
  } catch (error) {
    const winner = livePid(path); // two started at once, and the other was first
    if (winner === null) throw error;
    return winner;
  }
}

/** The process that the file names, if that very process still runs. */
export function livePid(path: string): number | null {
  try {
    const { pid, started } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    return typeof pid === 'number' && started !== null && startOf(pid) === started ? pid : null;
  } catch {
    return null;
  }
}

/** A signal and how long to wait for its effect. */
export type StopStep = readonly [signal: NodeJS.Signals, waitMs: number];

/** Ends a process that is no child of ours, with ever less patience. */
export async function endProcess(pid: number, steps: readonly StopStep[]): Promise<void> {
  for (const [signal, waitMs] of steps) {
    try {
      process.kill(pid, signal);
    } catch {
      return; // it is gone
    }
    const until = Date.now() + waitMs;
    while (Date.now() < until) {
      if (!isRunning(pid)) return;
      await sleep(POLL_MS);
    }
  }
}
