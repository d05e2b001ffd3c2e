import { rm } from 'node:fs/promises';
import { expect } from 'chai';
import type { EmbeddedServer } from '../../src/embedded/embedded-server.js';
import { freePort } from '../../src/embedded/free-port.js';
import { startRedis } from '../../src/embedded/redis.js';
import { startApi, type Answer, type Api } from '../support/api.js';
import { readAnew, untilHit, xCache } from '../support/cached-apis.js';
import { eventually } from '../support/eventually.js';
import { createDataDir } from '../support/processes.js';
import { startTrading, type Trading } from '../support/trading.js';

const PATHS = [
  '/v2/account',
  '/v2/positions',
  '/v2/assets/AAPL',
  '/v2/clock',
  '/v2/markets/AAPL/book',
  '/v2/stocks/AAPL/quotes/latest',
  '/v2/stocks/bars/latest?symbols=AAPL',
];
const CALLS = 100;
/** Far below what one command may take (250 ms), times the calls. */
const ALL_WITHIN_MS = 10_000;
/** A command's time limit, and a slow machine. */
const ONE_WITHIN_MS = 1_500;
const BACK_WITHIN_MS = 15_000;

describe('without the Redis of the cache', function () {
  this.timeout(60_000);
  let trading: Trading;
  let dataDir: string;
  let port: number;
  let redis: EmbeddedServer;
  let api: Api;

  before(async () => {
    trading = await startTrading(1);
    dataDir = await createDataDir();
    port = await freePort();
    redis = await startRedis({ dataDir, port });
    api = await startApi(trading, { cache: true, settings: { cacheRedisUrl: redis.url } });
  });
  after(async () => {
    await api.stop();
    await redis.stop();
    await trading.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const get = (path: string): Promise<Answer> => api.call('GET', path, { as: trading.accounts[0] });

  /** @returns how long the slowest took, in ms */
  async function answersWithoutIt(): Promise<number> {
    const startedAt = performance.now();
    let slowest = 0;
    for (let call = 0; call < CALLS; call += 1) {
      const askedAt = performance.now();
      const answer = await get(PATHS[call % PATHS.length]!);
      slowest = Math.max(slowest, performance.now() - askedAt);
      expect(answer.status).to.equal(200);
      // What is for everyone may be a HIT: a process keeps its own answers for a moment.
      expect(xCache(answer)).to.be.oneOf(['HIT', 'MISS']);
      if (PATHS[call % PATHS.length] === '/v2/account') expect(xCache(answer)).to.equal('MISS');
    }
    expect(performance.now() - startedAt, 'all of them').to.be.below(ALL_WITHIN_MS);
    return slowest;
  }

  const isBack = () =>
    eventually(async () => {
      const hit = await untilHit(api, '/v2/account', { as: trading.accounts[0] });
      const { body } = await readAnew(api, '/v2/account', trading.accounts[0]!);
      expect(hit.body).to.deep.equal(body);
    }, BACK_WITHIN_MS);

  it('everything is answered by its route while it is stopped, and it is used when it is back', async () => {
    await isBack();
    await redis.stop();
    await answersWithoutIt();
    redis = await startRedis({ dataDir, port });
    await isBack();
  });

  it('everything is answered in time while it hangs', async () => {
    await isBack();
    const pid = redis.pid!;
    process.kill(pid, 'SIGSTOP');
    try {
      expect(await answersWithoutIt()).to.be.below(ONE_WITHIN_MS);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await isBack();
  });

  it('everything is answered by a process that has never reached it', async () => {
    const cacheRedisUrl = `redis://127.0.0.1:${await freePort()}`;
    const alone = await startApi(trading, { cache: true, settings: { cacheRedisUrl } });
    for (const path of PATHS) {
      const answer = await alone.call('GET', path, { as: trading.accounts[0] });
      expect(answer.status).to.equal(200);
      expect(xCache(answer)).to.equal('MISS');
    }
    await alone.stop();
  });
});
