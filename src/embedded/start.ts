import { loadDotEnv } from '../config.js';
import { startInstance, type Started } from './start-instance.js';

/**
 * `npm start`: one process that starts all others, keeps them running and stops them in order at
 * SIGTERM, SIGINT (Ctrl-C) or SIGHUP (the terminal was closed).
 */
const INSIST_AFTER_MS = 2_000; // npm passes Ctrl-C on, so one press arrives twice

const say = (text: string): void => void process.stdout.write(`${text}\n`);
process.stdout.on('error', () => undefined); // the terminal may be gone; stopping matters more

const stopAsked = new AbortController();
let askedAt = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!stopAsked.signal.aborted) {
      askedAt = performance.now();
      say('Stopping');
      stopAsked.abort();
    } else if (performance.now() - askedAt > INSIST_AFTER_MS) {
      process.exit(1); // whatever still runs notices that we are gone and ends itself
    }
  });
}

async function stopAll(started: Started[]): Promise<void> {
  for (const { name, stop } of started.reverse()) {
    try {
      await stop();
    } catch (error) {
      say(`${name} was not stopped in order: ${String(error)}`);
    }
  }
}

async function run(): Promise<number> {
  const started: Started[] = [];
  let exitCode = 0;
  try {
    loadDotEnv();
    await startInstance({
      env: process.env,
      watch: process.argv.includes('--watch'),
      signal: stopAsked.signal,
      say,
      started,
    });
    if (!stopAsked.signal.aborted) {
      await new Promise((resolve) => stopAsked.signal.addEventListener('abort', resolve));
    }
  } catch (error) {
    if (!stopAsked.signal.aborted) {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      exitCode = 1;
    }
  }
  await stopAll(started);
  return exitCode;
}

process.exit(await run());
