import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { EmbeddedOptions, EmbeddedServer } from './embedded-server.js';
import { freePort } from './free-port.js';
import { findPostgres } from './postgres-binaries.js';
import { removeStaleLock, untilReady } from './postgres-lock.js';
import { choosePlace, STOP_STEPS, type Place } from './postgres-place.js';
import { postgresSettings } from './postgres-settings.js';
import { ServerProcess } from './server-process.js';
import { asUser } from './server-user.js';

const SUPERUSER = 'brokerx';
const DATABASE = 'brokerx';
const INITDB_TIMEOUT_MS = 60_000;
const START_ATTEMPTS = 3;
const RETRY_AFTER_MS = 300;

/**
 * Starts Postgres on this machine's loopback address, with its data kept under DATA_DIR; the first
 * time it creates the cluster and the database `brokerx`.
 * @throws Error that says why it does not start and what can be done
 */
export async function startPostgres(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const place = await choosePlace(options.dataDir);
  const native = await findPostgres(place.user, place.home);
  if (!existsSync(place.data)) createCluster(native, place);
  const { server, port } = await launch(native, place, options);
  const urlOf = (database: string) =>
    `postgres://${SUPERUSER}:${place.password}@127.0.0.1:${port}/${database}`;
  try {
    await createDatabase(urlOf('postgres'));
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    url: urlOf(DATABASE),
    get pid() {
      return server.pid;
    },
    stop: () => server.stop(),
  };
}

/** initdb into a folder of another name, so that an interrupted run leaves no half cluster. */
function createCluster(native: string, { home, data, user, password }: Place): void {
  const unfinished = join(home, 'data.unfinished');
  const passwordFile = join(home, 'initdb-password');
  rmSync(unfinished, { recursive: true, force: true });
  rmSync(passwordFile, { force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) {
    chownSync(unfinished, user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  const locale = process.platform === 'darwin' ? 'C' : 'C.UTF-8'; // macOS has no C.UTF-8
  const args = ['-D', unfinished, '-U', SUPERUSER, `--pwfile=${passwordFile}`, '-E', 'UTF8'];
  args.push(`--locale=${locale}`, '-A', 'scram-sha-256', '--no-instructions');
  const { status, stderr, error } = spawnSync(join(native, 'bin/initdb'), args, {
    ...asUser(user),
    cwd: '/',
    env: environment(),
    encoding: 'utf8',
    timeout: INITDB_TIMEOUT_MS,
  });
  rmSync(passwordFile, { force: true });
  if (status !== 0) {
    const reason = error ? String(error) : stderr.trim();
    throw new Error(`The embedded Postgres cannot be set up: ${reason}\nOr set DATABASE_URL`);
  }
  renameSync(unfinished, data);
}

/** Nothing of the caller's PGPORT, PGDATA and the like may reach the server. */
const environment = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], TZ: 'UTC' });

/** A port can be taken between our look and the server's start: then another one is tried. */
async function launch(native: string, place: Place, options: EmbeddedOptions) {
  const { port: wanted, notice } = options;
  for (let attempt = 1; ; attempt++) {
    const port = wanted ?? (await freePort());
    const ours = postgresSettings(native, place.data, port, place.user);
    const settings = { ...ours, ...options.settings };
    const pairs = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    try {
      const server = await ServerProcess.start({
        name: 'Postgres',
        command: join(native, 'bin/postgres'),
        args: ['-D', place.data, ...pairs],
        env: environment(),
        cwd: '/',
        user: place.user,
        logFile: place.logFile,
        pidFile: place.pidFile,
        stopSteps: STOP_STEPS,
        prepare: () => removeStaleLock(place.data),
        untilReady: (pid, signal) => untilReady(place.data, pid, signal),
        notice: notice ?? (() => undefined),
      });
      return { server, port };
    } catch (error) {
      if (attempt === START_ATTEMPTS) throw error;
      await sleep(RETRY_AFTER_MS); // a killed server's last children may still hold its memory
    }
  }
}

async function createDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const known = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (known.rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}
