import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.js';
import { runFolder } from './claim-data-dir.js';
import { MetricsTargets } from './metrics-targets.js';
import { reachableHost } from './reachable-host.js';
import { SupervisedProcess } from './supervisor.js';

const API_FILE = fileURLToPath(new URL('../main.js', import.meta.url));
const WORKER_FILE = fileURLToPath(new URL('../../workers/main.js', import.meta.url));
const WORKER_ROLES = 'orders,notifications,webhooks,transfers,maintenance';
const DRAIN_MS = {
  api: 15_000,
  worker: 12_000,
  payments: 9_000,
  market: 5_000,
  marketData: 5_000,
} as const;
const READY_WITHIN_MS = 60_000;
const READY_POLL_MS = 50;
const READY_ANSWER_MS = 2_000;
const FAILURES_MAX = 3;
const MARKET_READY_WITHIN_MS = 5_000;

/**
 * Starts the API, the workers, the payment provider with the external venue, the market data and the
 * market.
 * @returns them in the order of their start: stopped in reverse, new work is taken away first
 */
export function startProcesses(
  config: Config,
  env: NodeJS.ProcessEnv,
  notice: (text: string) => void,
): SupervisedProcess[] {
  const targets = new MetricsTargets(reachableHost(config), config.metricsPort);
  const start = (name: string, file: string, drainMs: number, roles: string) =>
    SupervisedProcess.start({
      name,
      file,
      env: { ...env, ...targets.add(serviceOf(name)), WORKER_ROLES: roles },
      logFile: join(config.dataDir, 'logs', `${name}.log`),
      pidFile: join(runFolder(config.dataDir), `${name}.json`),
      drainMs,
      notice,
    });
  const workers = Array.from({ length: config.workers }, (_, index) =>
    start(`worker-${index + 1}`, WORKER_FILE, DRAIN_MS.worker, WORKER_ROLES),
  );
  const processes = [
    ...workers,
    // Both are other companies; one process of theirs saves memory.
    start('payments', WORKER_FILE, DRAIN_MS.payments, 'payments,venue'),
    start('market-data', WORKER_FILE, DRAIN_MS.marketData, 'market-data'),
    start('api', API_FILE, DRAIN_MS.api, ''),
  ];
  if (config.marketSimulator) {
    processes.push(start('market', WORKER_FILE, DRAIN_MS.market, 'market'));
  }
  targets.write(config.dataDir);
  return processes;
}

/** As docker-compose.yml calls it. */
const serviceOf = (name: string): string =>
  name === 'api' ? 'web' : name.replace(/^worker-\d+$/, 'worker');

/**
 * Waits until the API is ready and the market, where there is one, has quoted.
 * @throws Error that names the process that does not come up, or when the signal is given
 */
export async function untilReady(
  url: string,
  processes: readonly SupervisedProcess[],
  signal: AbortSignal,
): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS;
  while (!(await isReady(url))) {
    signal.throwIfAborted();
    const failing = processes.find((one) => one.failures >= FAILURES_MAX);
    if (failing) throw new Error(`${failing.name} does not start: see ${failing.logFile}`);
    if (performance.now() > until) throw new Error(`${url}/ready did not answer 200 in time`);
    await sleep(READY_POLL_MS);
  }
  const market = processes.find((one) => one.name === 'market');
  if (market === undefined) return;
  await Promise.race([market.ready, sleep(MARKET_READY_WITHIN_MS, undefined, { signal })]);
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(READY_ANSWER_MS) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false; // not listening yet
  }
}
