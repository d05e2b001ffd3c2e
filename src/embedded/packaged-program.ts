import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** A program and what it needs in its environment. */
export interface Program {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Where a program is inside Debian's packages. */
export interface Packaged {
  /** Of the program, in the packages: `usr/bin/redis-server`. */
  readonly path: string;
  readonly packages: readonly string[];
}

/** What is looked for, and what to say when there is none. */
export interface Wanted extends Packaged {
  /** Names that it has on PATH; the first that runs is taken. */
  readonly names: readonly string[];
  /** The message of the error: names the ways to get one. */
  readonly missing: string;
}

/** Libraries that a slim system may lack, and Debian's package of each. */
const PACKAGE_OF_LIBRARY: Readonly<Record<string, string>> = {
  'libatomic.so.1': 'libatomic1',
  'libsystemd.so.0': 'libsystemd0',
  'libssl.so.3': 'libssl3',
  'libcrypto.so.3': 'libssl3',
  'libcap.so.2': 'libcap2',
  'libgcrypt.so.20': 'libgcrypt20',
  'libgpg-error.so.0': 'libgpg-error0',
  'liblzma.so.5': 'liblzma5',
  'libzstd.so.1': 'libzstd1',
  'liblz4.so.1': 'liblz4-1',
  'libstdc++.so.6': 'libstdc++6',
  'libpq.so.5': 'libpq5',
  'libreadline.so.8': 'libreadline8',
  'libldap-2.5.so.0': 'libldap-2.5-0',
  'liblber-2.5.so.0': 'libldap-2.5-0',
  'libsasl2.so.2': 'libsasl2-2',
  'libgssapi_krb5.so.2': 'libgssapi-krb5-2',
  'libkrb5.so.3': 'libkrb5-3',
  'libk5crypto.so.3': 'libk5crypto3',
  'libkrb5support.so.0': 'libkrb5support0',
  'libcom_err.so.2': 'libcom-err2',
  'libkeyutils.so.1': 'libkeyutils1',
  'libgnutls.so.30': 'libgnutls30',
  'libp11-kit.so.0': 'libp11-kit0',
  'libidn2.so.0': 'libidn2-0',
  'libunistring.so.2': 'libunistring2',
  'libtasn1.so.6': 'libtasn1-6',
  'libnettle.so.8': 'libnettle8',
  'libhogweed.so.6': 'libhogweed6',
  'libgmp.so.10': 'libgmp10',
  'libffi.so.8': 'libffi8',
};
const APT_TIMEOUT_MS = 120_000;

/**
 * Finds a program: on PATH, else a copy unpacked earlier, else, where apt exists, one that is
 * downloaded and unpacked (not installed) into the folder.
 * @param folder where a copy of our own is kept
 * @throws Error that names the ways to get one
 */
export async function findProgram(
  wanted: Wanted,
  folder: string,
  notice: (text: string) => void,
): Promise<Program> {
  for (const command of wanted.names) {
    if (probe({ command, env: {} }) === null) return { command, env: {} };
  }
  const earlier = unpackedProgram(folder, wanted.path);
  if (probe(earlier) === null) return earlier;
  if (!hasApt()) throw new Error(wanted.missing);
  notice(`No ${wanted.names[0] ?? wanted.path} found: unpacking one from the apt archive`);
  try {
    return await unpackProgram(folder, wanted);
  } catch (error) {
    throw new Error(`${wanted.missing}\n(apt: ${String(error)})`, { cause: error });
  }
}

export const hasApt = (): boolean => spawnSync('apt-get', ['--version']).status === 0;

/** @returns null when it runs, else what it says instead */
export function probe({ command, env }: Program): string | null {
  const options = { env: { ...process.env, ...env }, encoding: 'utf8' } as const;
  const { status, stderr, error } = spawnSync(command, ['--version'], options);
  return status === 0 ? null : error ? String(error) : stderr;
}

/** A program of packages that were unpacked into the folder, with the libraries beside it. */
export function unpackedProgram(folder: string, path: string): Program {
  const libraries = ['usr/lib', 'lib'].flatMap((name) => librariesBelow(join(folder, name)));
  return { command: join(folder, path), env: { LD_LIBRARY_PATH: libraries.join(':') } };
}

/** Debian keeps libraries in a folder for the machine's architecture, such as x86_64-linux-gnu. */
function librariesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  return [folder, ...entries.filter((e) => e.isDirectory()).map((e) => join(folder, e.name))];
}

/**
 * Downloads Debian's packages and unpacks them, with the libraries that they need.
 * @param folder what is there is replaced
 * @returns the program, and where it finds those libraries
 * @throws Error when apt cannot bring them
 */
export async function unpackProgram(
  folder: string,
  { path, packages }: Packaged,
): Promise<Program> {
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o755 });
  await download(unfinished, packages);
  for (let attempt = 0; attempt <= Object.keys(PACKAGE_OF_LIBRARY).length; attempt++) {
    const problem = probe(unpackedProgram(unfinished, path));
    if (problem === null) {
      rmSync(folder, { recursive: true, force: true });
      renameSync(unfinished, folder);
      return unpackedProgram(folder, path); // only now the folders of its libraries are there
    }
    const library = /loading shared libraries: (\S+?):/.exec(problem)?.[1] ?? '';
    const missing = PACKAGE_OF_LIBRARY[library];
    if (missing === undefined) throw new Error(`the unpacked ${path} fails: ${problem}`);
    await download(unfinished, [missing]);
  }
  throw new Error(`the unpacked ${path} still misses libraries`);
}

async function download(folder: string, packages: readonly string[]): Promise<void> {
  try {
    await run('apt-get', ['download', ...packages], folder);
  } catch (error) {
    if (process.getuid?.() !== 0) throw error; // only root may fill the package lists
    await run('apt-get', ['update'], folder);
    await run('apt-get', ['download', ...packages], folder);
  }
  for (const name of readdirSync(folder).filter((entry) => entry.endsWith('.deb'))) {
    await run('dpkg', ['-x', name, '.'], folder);
    rmSync(join(folder, name));
  }
}

function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: APT_TIMEOUT_MS,
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args[0] ?? ''} ended with ${code}: ${said.slice(-500)}`));
    });
  });
}
