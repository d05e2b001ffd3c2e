import { readFile, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { connectKnex, requireDurablePostgres } from '../../src/db.js';
import type { Demo } from '../../src/embedded/demo.js';
import { isRunning } from '../../src/embedded/pid-file.js';
import { eventually } from '../support/eventually.js';
import {
  createDataDir,
  launchProduct,
  processesOf,
  startProduct,
  untilNoneLeft,
  type Product,
} from '../support/processes.js';

const START_TIMEOUT_MS = 90_000;
const INSTANT_MS = 5_000;
const BACK_WITHIN_MS = 20_000;

const readDemo = async (dataDir: string): Promise<Demo> =>
  JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8')) as Demo;

const fileExists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

async function ready(url: string): Promise<number> {
  const response = await fetch(`${url}/ready`, { headers: { connection: 'close' } });
  await response.body?.cancel();
  return response.status;
}

async function untilReady(url: string): Promise<void> {
  const until = performance.now() + 20_000;
  while ((await ready(url).catch(() => 0)) !== 200) {
    if (performance.now() > until) throw new Error('it did not become ready again');
    await sleep(50);
  }
}

/** Whether a demo member of staff may read what only staff may. */
async function controls(url: string, member: Demo['staff'][number]): Promise<number> {
  const headers = { 'APCA-API-KEY-ID': member.key_id, 'APCA-API-SECRET-KEY': member.secret_key };
  return (await fetch(`${url}/v2/admin/approvals`, { headers })).status;
}

describe('npm start with embedded servers', function () {
  this.timeout(START_TIMEOUT_MS);

  it('is ready when demo.json is there, and leaves no process behind at SIGTERM', async () => {
    const product = await startProduct({ embedded: true });
    const { demo, dataDir } = product;
    try {
      const file = join(dataDir, 'demo.json');
      expect((await stat(file)).mode & 0o777).to.equal(0o600);
      expect(await ready(demo.url)).to.equal(200);
      expect(demo.clients.length).to.be.at.least(4);
      const statuses = await Promise.all(demo.staff.map((one) => controls(demo.url, one)));
      expect(statuses).to.deep.equal([200, 200, 200]);
      expect(demo.staff.map(({ role }) => role)).to.deep.equal(['ops', 'compliance', 'admin']);
      expect(demo.clients[0]).to.have.all.keys(
        'email',
        'password',
        'account_id',
        'key_id',
        'secret_key',
      );
      expect(product.output()).to.include(demo.clients[0]?.secret_key);
      expect(await product.pids()).to.include.keys(
        'api',
        'worker-1',
        'payments',
        'market-data',
        'market',
        'postgres',
        'redis',
      );

      expect(await product.end('SIGTERM')).to.deep.equal({ code: 0, signal: null });

      expect(await processesOf(dataDir)).to.deep.equal([]);
      expect(await fileExists(file)).to.equal(false);
    } finally {
      await product.stop();
    }
  });
});

describe('npm start with embedded servers, whatever is killed', function () {
  this.timeout(START_TIMEOUT_MS);
  const env = { MARKET_SIMULATOR: 'off' };
  let product: Product;

  before(async () => (product = await startProduct({ embedded: true, env })));
  after(() => product.stop());

  it('has a Postgres that loses no commit', async () => {
    const knex = connectKnex(product.demo.database_url, 'test', 1);
    await requireDurablePostgres(knex).finally(() => knex.destroy());
  });

  it('brings back whatever dies: the API, a worker, Redis and Postgres', async () => {
    const before = await product.pids();
    for (const pid of Object.values(before)) process.kill(pid, 'SIGKILL');
    await eventually(async () => {
      const now = await product.pids();
      for (const [name, pid] of Object.entries(before)) {
        expect(now[name], `${name}: ${product.output()}`).to.be.a('number').not.equal(pid);
      }
    }, BACK_WITHIN_MS);
    await untilReady(product.demo.url);
  });

  it('starts again on the same data after kill -9 of the supervisor', async () => {
    const { dataDir, demo } = product;
    await product.end('SIGKILL');
    product = await startProduct({ embedded: true, env, dataDir });
    expect(product.demo.pid).to.not.equal(demo.pid);
    expect(product.demo.clients).to.deep.equal(demo.clients);
    expect(await ready(product.demo.url)).to.equal(200);
  });

  it('lets nothing outlive a supervisor that was killed', async () => {
    await product.end('SIGKILL');
    await untilNoneLeft(product.dataDir, 15_000);
  });
});

describe('npm start with servers that are given', function () {
  this.timeout(START_TIMEOUT_MS);
  let product: Product;

  before(async () => {
    product = await startProduct({ env: { MARKET_SIMULATOR: 'off', WORKERS: '2' } });
  });
  after(() => product.stop());

  it('uses them, and starts none of its own', async () => {
    const names = ['api', 'worker-1', 'worker-2', 'payments', 'market-data'];
    expect(await product.pids()).to.have.all.keys(names);
    const { database_url, redis_url } = await readDemo(product.dataDir);
    expect(database_url).to.include(new URL(process.env['BROKERX_TEST_DATABASE_URL'] ?? '').host);
    expect(redis_url).to.include(new URL(process.env['BROKERX_TEST_REDIS_URL'] ?? '').host);
  });

  it('refuses a second instance on its DATA_DIR', async () => {
    const { demo, dataDir } = product;
    const second = await launchProduct(dataDir, {});
    expect((await second.ended).code).to.equal(1);
    expect(second.output()).to.include(`already running on DATA_DIR ${dataDir}`);
    expect(isRunning(demo.pid)).to.equal(true);
    expect(await ready(demo.url)).to.equal(200);
    expect((await readDemo(dataDir)).pid).to.equal(demo.pid);
  });
});

describe('npm start that cannot work', () => {
  let dataDir: string;

  beforeEach(async () => (dataDir = await createDataDir()));
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  async function failure(env: Record<string, string>): Promise<string> {
    const startedAt = performance.now();
    const { ended, output } = await launchProduct(dataDir, env);
    expect((await ended).code).to.equal(1);
    expect(performance.now() - startedAt).to.be.below(INSTANT_MS);
    expect(await processesOf(dataDir)).to.deep.equal([]);
    return output();
  }

  it('names the variable, what it was and what it may be', async () => {
    const text = await failure({ MARKET_SIMULATOR: 'maybe', SHARDS: '0' });
    expect(text).to.match(/MARKET_SIMULATOR was "maybe".*on.*off/);
    expect(text).to.match(/SHARDS was "?0"?.*1/);
  });

  it('names PORT when somebody else listens there', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const text = await failure({ PORT: String(port) }).finally(() => other.close());
    expect(text).to.include(`PORT ${port} is already in use`);
  });

  it('names DATABASE_URL when nobody answers there, but not its password', async () => {
    const text = await failure({ DATABASE_URL: 'postgres://me:hush@127.0.0.1:9/db' });
    expect(text).to.include('DATABASE_URL: cannot connect to postgres://127.0.0.1:9/db');
    expect(text).to.not.include('hush');
  });
});
