import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { freePorts } from '../../ops/prometheus/free-ports.js';
import { eventually } from '../support/eventually.js';
import { startProduct, type Product } from '../support/processes.js';

const OPS = fileURLToPath(new URL('../../ops/', import.meta.url));
const NAME = /\b(?:brokerx|http|nodejs|process)_\w+/g;
const READY_WITHIN_MS = 15_000;

interface Target {
  readonly targets: [string];
  readonly labels: { readonly job: string };
}

/** The names of metrics in rules and dashboards, and where each is used. */
async function namesInUse(): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  const files = [
    ...(await readdir(join(OPS, 'prometheus/rules'))).map((name) => join('prometheus/rules', name)),
    ...(await readdir(join(OPS, 'grafana/dashboards'))).map((name) =>
      join('grafana/dashboards', name),
    ),
  ];
  for (const file of files) {
    const text = await readFile(join(OPS, file), 'utf8');
    const exprs = file.endsWith('.json') ? (text.match(/"(expr|query)": ".*"/g) ?? []) : [text];
    for (const name of exprs.join('\n').match(NAME) ?? []) names.set(name, file);
  }
  return names;
}

describe('the metrics of the running processes', function () {
  this.timeout(120_000);

  let product: Product;
  let targets: Target[];
  const scrape = async ({ targets: [address] }: Target): Promise<string> =>
    (await fetch(`http://${address}/metrics`)).text();

  before(async () => {
    product = await startProduct({ env: { METRICS_PORT: String(await freePorts(6)) } });
    const file = await readFile(join(product.dataDir, 'metrics-targets.json'), 'utf8');
    targets = JSON.parse(file) as Target[];
  });
  after(() => product.stop());

  it('are served by each process on a port of its own, with whether it is ready', async () => {
    const jobs = targets.map(({ labels }) => labels.job);
    expect(jobs).to.have.members(['web', 'worker', 'payments', 'market-data', 'market']);
    await eventually(async () => {
      for (const {
        targets: [address],
      } of targets) {
        const health = await fetch(`http://${address}/health`);
        expect([health.status, await health.json()]).to.deep.equal([200, { status: 'ok' }]);
      }
    }, READY_WITHIN_MS);
    const [address] = targets[0]!.targets;
    expect((await fetch(`http://${address}/orders`)).status).to.equal(404);
    expect((await fetch(`http://${address}/metrics`, { method: 'POST' })).status).to.equal(405);
    const proxied = await fetch(`http://${address}/metrics`, { headers: { forwarded: 'for=x' } });
    expect(proxied.status).to.equal(403);
  });

  it('are all that rules and dashboards ask for', async () => {
    const texts = await Promise.all(targets.map(scrape));
    const told = new Set<string>();
    for (const [, name, type] of texts.join('\n').matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
      told.add(name!);
      const parts = type === 'histogram' ? ['bucket', 'sum', 'count'] : [];
      for (const part of parts) told.add(`${name}_${part}`);
    }
    const names = await namesInUse();
    expect(names.size).to.be.greaterThan(60);
    for (const [name, file] of names) {
      expect(told.has(name), `${file} asks for ${name}, which no process tells`).to.equal(true);
    }
  });

  it('are not in Redis as well, where they would be counted twice', async () => {
    const worker = await scrape(targets.find(({ labels }) => labels.job === 'worker')!);
    expect(worker).to.include('brokerx_workers{role="orders"} 1');
    const page = await (await fetch(`${product.demo.url}/metrics`)).text();
    expect(page).not.to.include('brokerx_workers{role="orders"}');
  });

  it('tell how Postgres and Redis are', async () => {
    await eventually(async () => {
      const texts = await Promise.all(targets.map(scrape));
      for (const text of texts) {
        expect(text).to.match(/^brokerx_postgres_up 1$/m);
        expect(text).to.match(/^brokerx_redis_up\{server="queues"\} 1$/m);
      }
      const web = texts[targets.findIndex(({ labels }) => labels.job === 'web')]!;
      const value = (name: string): number =>
        Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(web)?.[1]);
      expect(value('brokerx_postgres_database_bytes')).to.be.greaterThan(1_000_000);
      expect(value('brokerx_postgres_connections_max')).to.be.greaterThan(10);
      expect(value('brokerx_redis_memory_bytes')).to.be.greaterThan(100_000);
      expect(value('brokerx_redis_commands_total')).to.be.greaterThan(0);
      expect(value('brokerx_market_data_heard_timestamp_seconds')).to.be.greaterThan(1e9);
    }, READY_WITHIN_MS);
  });
});
