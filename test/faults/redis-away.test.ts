import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectDatabase, type Database } from '../../src/db.js';
import type { EmbeddedServer } from '../../src/embedded/embedded-server.js';
import { freePort } from '../../src/embedded/free-port.js';
import { startRedis } from '../../src/embedded/redis.js';
import { percentile } from '../../ops/bench/load.js';
import { expectBooksInOrder } from '../support/books-in-order.js';
import { eventually } from '../support/eventually.js';
import { seedTraders, startOrderLoad, type Key } from '../support/order-load.js';
import { createDataDir, startProduct, type Product } from '../support/processes.js';

const AWAY_MS = 10_000;
/** Enough for work to pile up: the other half of what is asked does not need it all again. */
const AWAY_BRIEFLY_MS = 4_000;
const RESUMES_WITHIN_MS = 15_000;

describe('Redis stopped under load', function () {
  this.timeout(120_000);
  let redis: EmbeddedServer;
  let dataDir: string;
  let port: number;
  let product: Product;
  let db: Database;
  let keys: Key[];

  beforeEach(async () => {
    dataDir = await createDataDir();
    port = await freePort();
    redis = await startRedis({ dataDir, port });
    product = await startProduct({
      env: { MARKET_SIMULATOR: 'off', RATE_LIMIT_PER_MIN: '0', REDIS_URL: redis.url },
    });
    db = connectDatabase(product.demo.database_url, 'test', 2);
    keys = await seedTraders(db.knex);
  });
  afterEach(async () => {
    await db.close();
    await product.stop();
    await redis.stop();
  });

  const waiting = async (): Promise<bigint> => {
    const row = await db.knex('work_items').count<{ count: bigint }[]>('* as count').first();
    return row!.count;
  };

  /** @param comeBack how Redis comes back: with its data, or without */
  async function redisGoesAway(awayMs: number, comeBack: () => Promise<void>): Promise<void> {
    const load = startOrderLoad(product.demo.url, keys, {
      clients: 16,
      pauseMs: 20,
      seed: 2,
    });
    await sleep(2_000);
    const before = load.seen.acknowledged.length;
    const usual = load.seen.latenciesMs.slice().sort((a, b) => a - b);
    await redis.stop();
    await sleep(awayMs);
    const during = load.seen.acknowledged.length - before;
    const left = await waiting();
    await comeBack();
    await eventually(async () => {
      expect((await waiting()) < left / 2n).to.equal(true);
    }, RESUMES_WITHIN_MS);
    const seen = await load.stop();
    expect(left > 100n, 'the fault must have happened: work piled up').to.equal(true);
    expect([...seen.failed], 'no order request fails').to.deep.equal([]);
    expect(during).to.be.greaterThan(before);
    const away = seen.latenciesMs.slice(before, before + during).sort((a, b) => a - b);
    expect(percentile(away, 0.99), 'nobody waits for Redis').to.be.lessThan(
      Math.max(500, 3 * percentile(usual, 0.99)),
    );
    await expectBooksInOrder(db.knex, seen.acknowledged, RESUMES_WITHIN_MS);
  }

  it('for 10 s fails no order, and everything executes after it is back', () =>
    redisGoesAway(AWAY_MS, async () => {
      redis = await startRedis({ dataDir, port });
    }));

  it('fails no order, and everything executes after it is back empty', () =>
    redisGoesAway(AWAY_BRIEFLY_MS, async () => {
      redis = await startRedis({ dataDir, port });
      const { Redis } = await import('ioredis');
      const client = new Redis(redis.url);
      await client.flushall();
      client.disconnect();
    }));
});
