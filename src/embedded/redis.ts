import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { EmbeddedOptions, EmbeddedServer } from './embedded-server.js';
import { freePort } from './free-port.js';
import { keptSecret } from './kept-secret.js';
import { endProcess, livePid, type StopStep } from './pid-file.js';
import { findRedis } from './redis-binary.js';
import { ServerProcess } from './server-process.js';
import { prepareDataDir } from './server-user.js';

const START_ATTEMPTS = 3;
const RETRY_AFTER_MS = 200;
const CONNECT_RETRY_MS = 20;

const STOP_STEPS: readonly StopStep[] = [
  ['SIGTERM', 10_000],
  ['SIGKILL', 5_000],
];

interface Place {
  readonly data: string;
  readonly password: string;
  readonly logFile: string;
  readonly pidFile: string;
  readonly programs: string;
}

/**
 * Starts Redis on this machine's loopback address, with its append-only file under DATA_DIR.
 * @throws Error that names the ways to get a Redis, or says why it does not start
 */
export async function startRedis(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const place = await choosePlace(options.dataDir);
  const notice = options.notice ?? (() => undefined);
  const { command, env } = await findRedis(place.programs, notice);
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const url = `redis://:${place.password}@127.0.0.1:${port}/0`;
    try {
      const server = await ServerProcess.start({
        name: 'Redis',
        command,
        args: [join(place.data, 'redis.conf')],
        env: { ...process.env, ...env },
        cwd: place.data,
        user: null,
        logFile: place.logFile,
        pidFile: place.pidFile,
        stopSteps: STOP_STEPS,
        prepare: () => writeSettings(place, port),
        untilReady: (_pid, signal) => untilReady(url, signal),
        notice,
      });
      return {
        url,
        get pid() {
          return server.pid;
        },
        stop: () => server.stop(),
      };
    } catch (error) {
      if (attempt === START_ATTEMPTS) throw error;
      await sleep(RETRY_AFTER_MS); // the port was taken between our look and the server's start
    }
  }
}

async function choosePlace(dataDirSetting: string): Promise<Place> {
  const dataDir = prepareDataDir(dataDirSetting);
  const data = join(dataDir, 'redis');
  mkdirSync(data, { recursive: true, mode: 0o700 });
  chmodSync(data, 0o700);
  const pidFile = join(data, 'server.json');
  const orphan = livePid(pidFile);
  if (orphan !== null) await endProcess(orphan, STOP_STEPS); // its supervisor was killed
  return {
    data,
    password: keptSecret(join(data, 'password')),
    logFile: join(dataDir, 'logs', 'redis.log'),
    pidFile,
    programs: join(dataDir, 'redis-programs'),
  };
}

/** A file and not arguments: those are readable by everybody on the machine. */
function writeSettings({ data, password }: Place, port: number): void {
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    'daemonize no',
    'dir ./', // the working folder: a path with spaces needs no quoting
    'databases 16',
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory-policy noeviction', // BullMQ's jobs must never be evicted
    'loglevel notice',
  ];
  writeFileSync(join(data, 'redis.conf'), `${lines.join('\n')}\n`, { mode: 0o600 });
}

/** Connects until it answers; ioredis itself waits until the data is loaded. */
async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    retryStrategy: () => CONNECT_RETRY_MS,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      redis.on('error', () => undefined); // not there yet
      redis.once('ready', resolve);
      const giveUp = () => reject(new Error('gave up waiting for Redis'));
      if (signal.aborted) giveUp();
      else signal.addEventListener('abort', giveUp, { once: true });
    });
  } finally {
    redis.disconnect();
  }
}
