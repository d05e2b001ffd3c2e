import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../../src/embedded/free-port.js';
import { findOfPrometheus } from '../prometheus-programs.js';

/** An Alertmanager with the product's routes, whose receivers note what reaches them. */
export interface Alertmanager {
  /** `host:port`, for Prometheus. */
  readonly address: string;
  /** When each alert first reached a receiver since the last call of `forget`, and which. */
  readonly received: ReadonlyMap<string, { at: number; receiver: string }>;
  forget(): void;
  stop(): Promise<void>;
}

interface Options {
  readonly folder: string;
  /** The product's own alertmanager.yml. */
  readonly settingsFile: string;
  /** `host:port` of a mail server that takes everything. */
  readonly mailServer: string;
}

export async function startAlertmanager(options: Options): Promise<Alertmanager> {
  const received = new Map<string, { at: number; receiver: string }>();
  const server = await listen((receiver, body) => {
    const { alerts } = JSON.parse(body) as {
      alerts: { status: string; labels: { alertname: string } }[];
    };
    for (const { status, labels } of alerts) {
      if (status !== 'firing' || received.has(labels.alertname)) continue;
      received.set(labels.alertname, { at: Date.now(), receiver });
    }
  });
  const hook = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const file = join(options.folder, 'alertmanager.yml');
  await writeFile(file, settingsOf(await readFile(options.settingsFile, 'utf8'), options, hook));
  const { command, env } = await findOfPrometheus('alertmanager', join(options.folder, 'programs'));
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    command,
    [
      `--config.file=${file}`,
      `--storage.path=${join(options.folder, 'alertmanager')}`,
      `--web.listen-address=${address}`,
      '--cluster.listen-address=',
      '--log.level=error',
    ],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const ended = once(child, 'exit');
  await untilReady(address, () => child.exitCode !== null);
  return {
    address,
    received,
    forget: () => received.clear(),
    async stop() {
      child.kill('SIGTERM');
      await ended;
      server.closeAllConnections();
      server.close();
    },
  };
}

/** @throws Error when it has ended instead */
async function untilReady(address: string, hasEnded: () => boolean): Promise<void> {
  while (!(await answers(`http://${address}/-/ready`))) {
    if (hasEnded()) {
      throw new Error(
        'Alertmanager does not start. An unpacked one of Debian misses its templates: ' +
          'install it (apt install prometheus-alertmanager)',
      );
    }
    await sleep(100);
  }
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );

/** The same routes and inhibitions; without waiting, and each receiver tells us, too. */
const settingsOf = (text: string, { mailServer }: Options, hook: string): string =>
  text
    .replace(/smtp_smarthost: \S+/, `smtp_smarthost: ${mailServer}`)
    .replace(/group_wait: \w+/g, 'group_wait: 1s')
    .replace(/group_interval: \w+/g, 'group_interval: 2s')
    .replace(
      /- name: (\S+)\n/g,
      (all, name: string) => `${all}    webhook_configs: [{ url: '${hook}/${name}' }]\n`,
    );

async function listen(onMessage: (receiver: string, body: string) => void): Promise<Server> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      onMessage((request.url ?? '').slice(1), body);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
