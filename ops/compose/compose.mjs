import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../prepare.mjs';

const OUTPUT_MAX = 20_000_000;
const RUN_MAX_MS = 20 * 60_000;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** Runs a program to its end; its output as text. Throws with what it said when it fails. */
export async function run(command, args, { env = process.env, maxMs = RUN_MAX_MS } = {}) {
  const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout = (stdout + chunk).slice(-OUTPUT_MAX)));
  child.stderr.on('data', (chunk) => (stderr = (stderr + chunk).slice(-OUTPUT_MAX)));
  const timer = setTimeout(() => child.kill('SIGKILL'), maxMs);
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  if (code === 0) return stdout.trim();
  const said = (stderr + stdout).trim().slice(-3_000);
  throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${said}`);
}

/**
 * The product under a project name of its own, on free ports: it meets no other on the machine, and its
 * volumes can be thrown away.
 */
export async function composeProject(name) {
  const ports = { PORT: await freePort(), MAIL_PORT: await freePort() };
  const env = {
    ...process.env,
    ...Object.fromEntries(Object.entries(ports).map(([key, port]) => [key, String(port)])),
    COMPOSE_PROJECT_NAME: name,
    RATE_LIMIT_PER_MIN: '0',
    LOG_LEVEL: 'http',
  };
  const docker = (...args) => run('docker', args, { env });
  const compose = (...args) => docker('compose', ...args);
  const idsOf = async (service) =>
    (await compose('ps', '-q', service)).split('\n').filter((id) => id !== '');
  const inspect = (id, format) => docker('inspect', '-f', format, id);

  return {
    url: `http://127.0.0.1:${ports.PORT}`,
    docker,
    compose,
    idsOf,
    inspect,
    /** In the first replica, without a terminal. */
    exec: (service, ...command) => compose('exec', '-T', service, ...command),
    async addressesOf(service) {
      const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}';
      const ids = await idsOf(service);
      const lists = await Promise.all(ids.map((id) => inspect(id, format)));
      return lists.flatMap((list) => list.trim().split(' '));
    },
    async untilHealthy(id, maxMs = 180_000) {
      for (const until = Date.now() + maxMs; ; await sleep(250)) {
        const state = await inspect(id, '{{.State.Health.Status}}');
        if (state === 'healthy') return;
        if (Date.now() > until) throw new Error(`${id} is ${state} after ${maxMs / 1_000} s`);
      }
    },
  };
}
