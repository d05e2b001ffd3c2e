import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeDemoFile } from './demo.js';
import { claimPidFile, endProcess, livePid, type StopStep } from './pid-file.js';
import { prepareDataDir } from './server-user.js';

/** For what a killed supervisor left: it has noticed by itself, so this is only impatience. */
const END_STEPS: readonly StopStep[] = [
  ['SIGTERM', 3_000],
  ['SIGKILL', 3_000],
];

/** A folder that belongs to one running instance. */
export interface ClaimedDataDir {
  readonly path: string;
  readonly release: () => void;
}

/** Where the processes of the instance note their numbers. */
export const runFolder = (dataDir: string): string => join(dataDir, 'run');

/**
 * Takes DATA_DIR for this process and ends what a killed predecessor left running in it.
 * @throws Error when another instance is at work there
 */
export async function claimDataDir(setting: string): Promise<ClaimedDataDir> {
  const path = prepareDataDir(setting);
  const pidFile = join(path, 'supervisor.json');
  const holder = claimPidFile(pidFile);
  if (holder !== null) {
    throw new Error(
      `BrokerX+ is already running on DATA_DIR ${path} (process ${holder}). ` +
        'Stop it, or start this one with another DATA_DIR and PORT',
    );
  }
  removeDemoFile(path);
  const run = runFolder(path);
  mkdirSync(run, { recursive: true, mode: 0o700 });
  const left = readdirSync(run)
    .map((name) => livePid(join(run, name)))
    .filter((pid) => pid !== null);
  await Promise.all(left.map((pid) => endProcess(pid, END_STEPS)));
  return { path, release: () => rmSync(pidFile, { force: true }) };
}
