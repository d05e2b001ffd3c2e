import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { keptSecret } from './kept-secret.js';
import { endProcess, livePid, type StopStep } from './pid-file.js';
import { prepareDataDir, reachableHome, serverUser, type ServerUser } from './server-user.js';

/** Fast shutdown; then without a checkpoint, which the next start makes up for; then by force. */
export const STOP_STEPS: readonly StopStep[] = [
  ['SIGINT', 20_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
];

/** Where one instance's Postgres lives, and as whom. */
export interface Place {
  readonly user: ServerUser | null;
  /** Folder that the server's user can reach. */
  readonly home: string;
  readonly data: string;
  readonly password: string;
  readonly logFile: string;
  readonly pidFile: string;
}

/**
 * Decides where the cluster is and ends a server that a killed supervisor left on it.
 * @param dataDirSetting DATA_DIR
 */
export async function choosePlace(dataDirSetting: string): Promise<Place> {
  const dataDir = prepareDataDir(dataDirSetting);
  const inner = ensureFolder(join(dataDir, 'postgres'));
  const pidFile = join(inner, 'server.json');
  const orphan = livePid(pidFile);
  if (orphan !== null) await endProcess(orphan, STOP_STEPS); // its supervisor was killed

  const innerData = join(inner, 'data');
  const base = reachableHome(dataDir, innerData);
  const home = base === dataDir ? inner : ensureFolder(join(base, 'postgres'));
  const data = join(home, 'data');
  const passwordFile = join(inner, 'password');
  if (data !== innerData && existsSync(innerData)) {
    rmSync(data, { recursive: true, force: true });
    runTool('mv', [innerData, data]); // DATA_DIR came below a closed folder
  }
  if (existsSync(data) && !existsSync(passwordFile)) forgetCluster(data, innerData, passwordFile);
  const password = keptSecret(passwordFile);
  const logFile = join(dataDir, 'logs', 'postgres.log');
  return { user: serverUser(data), home, data, password, logFile, pidFile };
}

/** Enterable for the server's user; everything inside is protected by its own mode. */
function ensureFolder(path: string): string {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o711);
  return path;
}

/** Data without its password: DATA_DIR was removed, which is how people start afresh. */
function forgetCluster(data: string, innerData: string, passwordFile: string): void {
  if (data === innerData) {
    throw new Error(
      `${passwordFile} is missing, but ${data} exists. Put the file back, ` +
        `or remove ${data} to begin with an empty database`,
    );
  }
  rmSync(data, { recursive: true, force: true });
}

function runTool(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${stderr}`);
}
