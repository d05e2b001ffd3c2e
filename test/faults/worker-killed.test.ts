import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectDatabase, type Database } from '../../src/db.js';
import { expectBooksInOrder } from '../support/books-in-order.js';
import { eventually } from '../support/eventually.js';
import { expectMessagesInOrder } from '../support/messages-in-order.js';
import { seedTraders, startOrderLoad, type Key } from '../support/order-load.js';
import { startProduct, type Product } from '../support/processes.js';

const KILLS = 3;
const RESUMES_WITHIN_MS = 10_000;

describe('kill -9 of the worker under load', function () {
  this.timeout(120_000);
  let product: Product;
  let db: Database;
  let keys: Key[];

  before(async () => {
    product = await startProduct({
      env: {
        MARKET_SIMULATOR: 'off',
        RATE_LIMIT_PER_MIN: '0',
        NOTIFICATION_WINDOW_MS: '500',
      },
    });
    db = connectDatabase(product.demo.database_url, 'test', 2);
    keys = await seedTraders(db.knex);
  });
  after(async () => {
    await db.close();
    await product.stop();
  });

  const executed = async (): Promise<bigint> => {
    const row = await db.knex('executions').count<{ count: bigint }[]>('* as count').first();
    return row!.count;
  };

  it('loses and doubles neither orders nor messages, and work resumes within 10 s', async () => {
    const load = startOrderLoad(product.demo.url, keys, {
      clients: 16,
      pauseMs: 20,
      seed: 1,
    });
    let killed = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(1_500);
      const pid = (await product.pids())['worker-1']!;
      const before = await executed();
      process.kill(pid, 'SIGKILL');
      killed += 1;
      await eventually(async () => {
        expect((await product.pids())['worker-1'])
          .to.be.a('number')
          .not.equal(pid);
        expect((await executed()) > before + 5n).to.equal(true);
      }, RESUMES_WITHIN_MS);
    }
    const seen = await load.stop();
    expect(killed, 'the fault must have happened').to.equal(KILLS);
    expect([...seen.failed], 'no client notices').to.deep.equal([]);
    expect(seen.acknowledged.length).to.be.greaterThan(500);
    await expectBooksInOrder(db.knex, seen.acknowledged, RESUMES_WITHIN_MS);
    await expectMessagesInOrder(db.knex, RESUMES_WITHIN_MS);
  });
});
