import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/embedded/free-port.js';
import { findOfPrometheus } from './prometheus-programs.js';

const SCRAPE_EVERY_S = 2;
const READY_WITHIN_MS = 30_000;

/** A Prometheus that scrapes an instance. */
export interface Prometheus {
  /** Values of a label over the series of a selector. */
  labelValues(selector: string, label: string): Promise<readonly string[]>;
  /** Values at this moment. @throws Error that says what is wrong with the query, as `askRange` does */
  askNow(query: string): Promise<Series[]>;
  /** Values in steps of five seconds since a time. */
  askRange(query: string, since: Date): Promise<Series[]>;
  stop(): Promise<void>;
}

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

interface Options {
  /** Of its own data. */
  readonly folder: string;
  /** The file that `npm start` writes, in the format of file_sd_configs. */
  readonly targetsFile: string;
  /** Glob patterns. */
  readonly ruleFiles: readonly string[];
  /** `host:port`, when alerts are to be told. */
  readonly alertmanager?: string;
}

/** Starts it and waits until it answers. */
export async function startPrometheus(options: Options): Promise<Prometheus> {
  const { folder } = options;
  const { command, env } = await findOfPrometheus('prometheus', join(folder, 'programs'));
  const config = join(folder, 'prometheus.yml');
  await writeFile(config, JSON.stringify(configOf(options), null, 2)); // JSON is YAML, too
  const port = await freePort();
  const child = spawn(
    command,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  const url = `http://127.0.0.1:${port}`;
  const until = performance.now() + READY_WITHIN_MS;
  while (!(await isReady(url))) {
    if (child.exitCode !== null) throw new Error(`prometheus ended with ${child.exitCode}`);
    if (performance.now() > until) {
      await stop();
      throw new Error(`prometheus is not ready after ${READY_WITHIN_MS} ms`);
    }
    await sleep(100);
  }
  return { ...clientOf(url), stop };
}

const configOf = ({ targetsFile, ruleFiles, alertmanager }: Options) => ({
  global: { scrape_interval: `${SCRAPE_EVERY_S}s`, evaluation_interval: `${SCRAPE_EVERY_S}s` },
  rule_files: ruleFiles,
  ...(alertmanager && {
    alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] },
  }),
  scrape_configs: [{ job_name: 'brokerx', file_sd_configs: [{ files: [targetsFile] }] }],
});

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  );

interface Answer<Data> {
  readonly status: string;
  readonly error?: string;
  readonly data: Data;
}
interface Found {
  readonly metric: Record<string, string>;
  readonly value?: [number, string];
  readonly values?: [number, string][];
}

const STEP_S = 5;

function clientOf(url: string): Omit<Prometheus, 'stop'> {
  const get = async <Data>(path: string, parameters: Record<string, string>): Promise<Data> => {
    const query = new URLSearchParams(parameters).toString();
    const answer = await fetch(`${url}/api/v1/${path}?${query}`);
    const { status, error, data } = (await answer.json()) as Answer<Data>;
    if (status !== 'success') throw new Error(error ?? status);
    return data;
  };
  return {
    labelValues: (selector, label) => get(`label/${label}/values`, { 'match[]': selector }),
    async askNow(query) {
      return seriesOf(await get<{ result: Found[] }>('query', { query }));
    },
    async askRange(query, since) {
      const range = { start: since.toISOString(), end: new Date().toISOString() };
      return seriesOf(await get('query_range', { query, ...range, step: String(STEP_S) }));
    },
  };
}

const seriesOf = ({ result }: { result: Found[] }): Series[] =>
  result.map(({ metric, value, values = value ? [value] : [] }) => ({
    labels: metric,
    values: values.map(([, text]) => Number(text)),
  }));
