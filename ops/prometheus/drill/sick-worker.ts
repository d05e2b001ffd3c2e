import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('../../../workers/main.js', import.meta.url));
const LEAK_BYTES_PER_S = 1_500_000;

/**
 * Waits inside of the worker for a signal; then leaks memory, and blocks the event loop, which costs no
 * processor.
 */
const SICKNESS = `
  process.once('SIGUSR2', () => {
    const kept = [];
    setInterval(() => kept.push(Buffer.alloc(${LEAK_BYTES_PER_S}, 1)), 1000);
    const nobody = new Int32Array(new SharedArrayBuffer(4));
    setInterval(() => Atomics.wait(nobody, 0, 0, 700), 1000);
  });
`;

/** One real worker more that leaks, is slow, and loses Postgres when it is told to. */
export interface SickWorker {
  readonly port: number;
  fallSick(): void;
  losePostgres(): void;
  stop(): Promise<void>;
}

export async function startSickWorker(
  env: NodeJS.ProcessEnv & { DATABASE_URL: string },
  port: number,
): Promise<SickWorker> {
  const wire = await startWire(new URL(env.DATABASE_URL));
  const throughWire = new URL(env.DATABASE_URL);
  throughWire.host = `127.0.0.1:${wire.port}`;
  const preload = `data:text/javascript,${encodeURIComponent(SICKNESS)}`;
  const child = spawn(process.execPath, ['--import', preload, WORKER], {
    env: {
      ...env,
      DATABASE_URL: throughWire.href,
      WORKER_ROLES: 'market-data',
      METRICS_PORT: String(port),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  return {
    port,
    fallSick: () => void child.kill('SIGUSR2'),
    losePostgres: () => wire.cut(),
    async stop() {
      child.kill('SIGKILL');
      await ended;
      wire.cut();
    },
  };
}

/** A way to Postgres of its own. */
async function startWire({ hostname, port }: URL): Promise<{ port: number; cut: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const other = connect(Number(port), hostname);
    for (const one of [socket, other]) {
      sockets.add(one);
      one
        .on('error', () => undefined)
        .on('close', () => {
          socket.destroy();
          other.destroy();
          sockets.delete(one);
        });
    }
    socket.pipe(other).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, cut };
}
