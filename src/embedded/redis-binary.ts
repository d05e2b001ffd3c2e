import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** The program and what it needs in its environment. */
export interface RedisBinary {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
}

const ON_PATH = ['redis-server', 'valkey-server'] as const;
const PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1'] as const;
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
};
const APT_TIMEOUT_MS = 120_000;

const NO_REDIS =
  'There is no Redis. Install one (apt install redis-server, or brew install redis), ' +
  'or run one (docker compose up -d redis) and set REDIS_URL, such as redis://127.0.0.1:6379';

/**
 * Finds a Redis server: on PATH, else a copy unpacked earlier, else, where apt exists, one that is
 * downloaded and unpacked (not installed) into the folder.
 * @param folder where a copy of our own is kept
 * @throws Error that names the ways to get one
 */
export async function findRedis(
  folder: string,
  notice: (text: string) => void,
): Promise<RedisBinary> {
  for (const command of ON_PATH) {
    if (probe({ command, env: {} }) === null) return { command, env: {} };
  }
  const unpacked = unpackedBinary(folder);
  if (probe(unpacked) === null) return unpacked;
  if (spawnSync('apt-get', ['--version']).status !== 0) throw new Error(NO_REDIS);
  notice('No redis-server found: unpacking one from the apt archive');
  try {
    return await unpackRedis(folder);
  } catch (error) {
    throw new Error(`${NO_REDIS}\n(apt: ${String(error)})`, { cause: error });
  }
}

/** @returns null when it runs, else what it says instead */
function probe({ command, env }: RedisBinary): string | null {
  const options = { env: { ...process.env, ...env }, encoding: 'utf8' } as const;
  const { status, stderr, error } = spawnSync(command, ['--version'], options);
  return status === 0 ? null : error ? String(error) : stderr;
}

function unpackedBinary(folder: string): RedisBinary {
  const libraries = ['usr/lib', 'lib'].flatMap((name) => librariesBelow(join(folder, name)));
  return {
    command: join(folder, 'usr/bin/redis-server'),
    env: { LD_LIBRARY_PATH: libraries.join(':') },
  };
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
 * @returns the server, and where it finds those libraries
 * @throws Error when apt cannot bring them
 */
export async function unpackRedis(folder: string): Promise<RedisBinary> {
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o755 });
  await download(unfinished, PACKAGES);
  for (let attempt = 0; attempt <= Object.keys(PACKAGE_OF_LIBRARY).length; attempt++) {
    const problem = probe(unpackedBinary(unfinished));
    if (problem === null) {
      rmSync(folder, { recursive: true, force: true });
      renameSync(unfinished, folder);
      return unpackedBinary(folder); // only now the folders of its libraries are there
    }
    const library = /loading shared libraries: (\S+?):/.exec(problem)?.[1] ?? '';
    const missing = PACKAGE_OF_LIBRARY[library];
    if (missing === undefined) throw new Error(`the unpacked redis-server fails: ${problem}`);
    await download(unfinished, [missing]);
  }
  throw new Error('the unpacked redis-server still misses libraries');
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
