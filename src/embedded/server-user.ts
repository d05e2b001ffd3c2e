import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Postgres refuses to run as root, so there it runs as somebody else. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** "nobody" on every Linux (initdb asks for a name, so a number that has none will not do). */
const NOBODY: ServerUser = { uid: 65_534, gid: 65_534 };

const isRoot = (): boolean => process.getuid?.() === 0;

/**
 * Whom the database server runs as.
 * @param data its data folder; whoever owns it already stays its user
 * @returns null for ourselves
 */
export function serverUser(data: string): ServerUser | null {
  if (!isRoot()) return null;
  if (!existsSync(data)) return NOBODY;
  const { uid, gid } = statSync(data);
  return uid === 0 ? NOBODY : { uid, gid };
}

/** For spawn's options. */
export const asUser = (user: ServerUser | null): { uid?: number; gid?: number } =>
  user ? { uid: user.uid, gid: user.gid } : {};

/** Whether the user can run the program: found, allowed, and all its libraries there. */
export const canRun = (user: ServerUser | null, program: string): boolean =>
  spawnSync(program, ['--version'], { ...asUser(user), cwd: '/', stdio: 'ignore' }).status === 0;

const canEnter = (user: ServerUser, folder: string): boolean =>
  spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], {
    ...asUser(user),
    cwd: '/',
    stdio: 'ignore',
  }).status === 0;

/**
 * Creates DATA_DIR, private to us; where servers run as another user, its group may pass through.
 * @returns its real path
 * @throws Error that names DATA_DIR
 */
export function prepareDataDir(dataDir: string): string {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error(`DATA_DIR was ${JSON.stringify(dataDir)}: not usable. ${String(error)}`, {
      cause: error,
    });
  }
  const { mode, uid } = statSync(dataDir);
  if (isRoot() && uid === 0 && (mode & 0o077) === 0) {
    chownSync(dataDir, 0, NOBODY.gid);
    chmodSync(dataDir, 0o710);
  }
  return realpathSync(dataDir);
}

/**
 * The folder that the server's user can reach: DATA_DIR, or, below a closed parent such as /root,
 * a folder of its own that is found again by DATA_DIR's path.
 * @param dataDir   the real path of DATA_DIR
 * @param innerData where the server's data is when it is below DATA_DIR
 */
export function reachableHome(dataDir: string, innerData: string): string {
  const user = serverUser(innerData);
  if (user === null) return dataDir;
  const outside = outsideHome(dataDir);
  if (!existsSync(innerData) && existsSync(outside) && isOurs(outside)) return outside; // as before
  if (canEnter(user, dataDir)) return dataDir;
  if (!existsSync(outside)) mkdirSync(outside, { mode: 0o711 });
  if (!isOurs(outside)) {
    throw new Error(
      `${outside} belongs to somebody else. Remove it, or set DATA_DIR or DATABASE_URL`,
    );
  }
  chmodSync(outside, 0o711); // whatever the umask made of it
  return outside;
}

function outsideHome(dataDir: string): string {
  const key = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  const base = existsSync('/var/tmp') ? '/var/tmp' : tmpdir(); // /var/tmp outlives a reboot
  return join(base, `brokerx-${key}`);
}

/** The folder above is open to everybody: accept only what nobody else could have put there. */
function isOurs(folder: string): boolean {
  const { uid, mode } = lstatSync(folder);
  return lstatSync(folder).isDirectory() && uid === 0 && (mode & 0o022) === 0;
}
