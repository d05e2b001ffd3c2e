import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectDatabase } from '../../src/db.js';
import { expectBooksInOrder } from '../support/books-in-order.js';
import { eventually } from '../support/eventually.js';
import { seedTraders, startOrderLoad } from '../support/order-load.js';
import { startProduct, type Product } from '../support/processes.js';

const CRASHES = 2;
const SERVES_WITHIN_MS = 10_000;

describe('kill -9 of Postgres under load', function () {
  this.timeout(120_000);
  let product: Product;

  before(async () => {
    const env = { MARKET_SIMULATOR: 'off', RATE_LIMIT_PER_MIN: '0' };
    product = await startProduct({ embedded: true, env });
  });
  after(() => product.stop());

  it('loses nothing that was acknowledged, says 503 meanwhile, and serves again soon', async () => {
    const db = connectDatabase(product.demo.database_url, 'test', 2);
    try {
      const load = startOrderLoad(product.demo.url, await seedTraders(db.knex), {
        clients: 16,
        pauseMs: 20,
        seed: 3,
      });
      for (let crash = 0; crash < CRASHES; crash++) {
        await sleep(1_500);
        const pid = (await product.pids())['postgres']!;
        process.kill(pid, 'SIGKILL');
        await eventually(async () => {
          expect((await product.pids())['postgres'])
            .to.be.a('number')
            .not.equal(pid);
        }, SERVES_WITHIN_MS);
        const before = load.seen.acknowledged.length;
        await eventually(async () => {
          expect(load.seen.acknowledged.length).to.be.greaterThan(before + 20);
          await Promise.resolve();
        }, SERVES_WITHIN_MS);
      }
      const seen = await load.stop();
      const reasons = [...seen.failed.keys()];
      expect(reasons, 'the fault must have been felt').not.to.have.length(0);
      for (const reason of reasons) expect(reason).to.match(/^503 /);
      await expectBooksInOrder(db.knex, seen.acknowledged, SERVES_WITHIN_MS);
    } finally {
      await db.close();
    }
  });
});
