import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startFreshInstance } from '../bench/instance.js';
import { readOptions } from '../bench/options.js';
import { freePorts } from '../prometheus/free-ports.js';
import { beBusy } from './activity.js';
import {
  annotationQueries,
  panelQueries,
  readDashboards,
  type Dashboard,
  type Query,
} from './dashboards.js';
import { startPrometheus, type Prometheus, type Series } from '../prometheus/prometheus.js';
import { chooseAll, fillIn } from './variables.js';

/**
 * `npm run drill:dashboards`: whether every query of every dashboard returns numbers, from a real
 * Prometheus that scrapes the real processes while clients trade. A line a query; the last one is
 * `N passed, N failed`.
 */

const ROOT = new URL('../../../ops/', import.meta.url); // from dist
const SECRETS_KEY = 'only of the drill of dashboards, and of nothing else';
const PROCESSES_MAX = 10;
/** Panels end with it where a label that nobody has counted yet would leave them empty. */
const ZERO = ' or on () vector(0)';
/** While no alert fires there is none to mark. */
const MAY_BE_EMPTY = '/ annotation Alerts';
const DEFAULTS = { seconds: 75, workers: 2 };

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const { seconds, workers } = readOptions(DEFAULTS);
  const dashboards = await readDashboards(new URL('grafana/dashboards/', ROOT));
  const folder = await mkdtemp(join(tmpdir(), 'brokerx-dashboards-'));
  say(`Starting a fresh instance with ${workers} workers`);
  const instance = await startFreshInstance(workers, {
    env: {
      METRICS_PORT: String(await freePorts(PROCESSES_MAX)),
      MARKET_SIMULATOR: 'on',
      SECRETS_KEY,
      NOTIFICATION_WINDOW_MS: '1000',
      WEBHOOKS_ALLOW_HTTP: 'on',
      WEBHOOKS_ALLOW_PRIVATE: 'on',
    },
  });
  let prometheus: Prometheus | null = null;
  try {
    prometheus = await startPrometheus({
      folder,
      targetsFile: join(instance.dataDir, 'metrics-targets.json'),
      ruleFiles: [fileURLToPath(new URL('prometheus/rules/*.yml', ROOT))],
    });
    const since = new Date();
    say(`Clients trade for ${seconds} s`);
    await beBusy(instance, { seconds, secretsKey: SECRETS_KEY });
    const failed = await checkAll(prometheus, dashboards, since);
    if (failed > 0) process.exitCode = 1;
  } finally {
    await prometheus?.stop();
    await instance.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns how many have failed */
async function checkAll(
  prometheus: Prometheus,
  dashboards: readonly Dashboard[],
  since: Date,
): Promise<number> {
  let passed = 0;
  let failed = 0;
  for (const dashboard of dashboards) {
    const chosen = await chooseAll(dashboard.templating.list, (selector, label) =>
      prometheus.labelValues(selector, label),
    );
    for (const query of [...panelQueries(dashboard), ...annotationQueries(dashboard)]) {
      const ask = (expr: string) => {
        const filled = fillIn(expr, chosen);
        return query.instant ? prometheus.askNow(filled) : prometheus.askRange(filled, since);
      };
      const { ok, text } = await findingOf(query, ask);
      say(`${ok ? 'ok    ' : 'FAILED'}  ${query.place}: ${text}`);
      if (ok) passed += 1;
      else failed += 1;
    }
  }
  say(`${passed} passed, ${failed} failed`);
  return failed;
}

interface Finding {
  readonly ok: boolean;
  readonly text: string;
}

/** A query returns data when one of its series has a number: nothing divided by nothing is none. */
async function findingOf(
  { expr, place }: Query,
  ask: (expr: string) => Promise<Series[]>,
): Promise<Finding> {
  try {
    // What stands in for nothing must not hide whether there is something.
    const told = describe(await ask(expr.replaceAll(ZERO, '')));
    if (told !== null) return { ok: true, text: told };
    if (place.endsWith(MAY_BE_EMPTY)) return { ok: true, text: 'nothing to mark' };
    const zero = expr.includes(ZERO) ? describe(await ask(expr)) : null;
    if (zero !== null) return { ok: true, text: `nothing of it has happened: ${zero}` };
    return { ok: false, text: `no numbers from ${expr}` };
  } catch (error) {
    return { ok: false, text: `${String(error)} in ${expr}` };
  }
}

/** @returns null when there is no number */
function describe(series: readonly Series[]): string | null {
  const withNumbers = series.filter(({ values }) => values.some(Number.isFinite));
  const last = withNumbers[0]?.values.findLast(Number.isFinite);
  if (last === undefined) return null;
  return `${withNumbers.length} series, such as ${Number(last.toPrecision(4))}`;
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
});
