import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import knexFactory, { type Knex } from 'knex';
import { connectDatabase, type Database } from '../../src/db.js';
import { expectBooksInOrder } from '../support/books-in-order.js';
import { eventually } from '../support/eventually.js';
import { startProduct, type Product } from '../support/processes.js';
import { DIFFERENT_TRADES } from '../support/venue.js';

const ORDERS = 30;
const BACK_WITHIN_MS = 20_000;
const VENUE = {
  VENUE_GOOD_FOR_MS: '4000',
  VENUE_LATENCY_MIN_MS: '100',
  VENUE_LATENCY_MAX_MS: '700',
  VENUE_LOST_PCT: '10',
  VENUE_DUPLICATE_PCT: '20',
};

describe('kill -9 of the external venue, and of a worker, while orders are at the venue', function () {
  this.timeout(120_000);
  let product: Product;
  let db: Database;
  let owner: Knex;

  before(async () => {
    const env = { MARKET_SIMULATOR: 'off', RATE_LIMIT_PER_MIN: '0', FEE_BPS: '5', ...VENUE };
    product = await startProduct({ env });
    db = connectDatabase(product.demo.database_url, 'test', 2);
    owner = knexFactory({ client: 'pg', connection: product.demo.database_url });
  });
  after(async () => {
    await owner.destroy();
    await db.close();
    await product.stop();
  });

  const place = async (side: string, n: number): Promise<string> => {
    const { key_id, secret_key } = product.demo.clients[n % 4]!;
    const response = await fetch(`${product.demo.url}/v2/orders`, {
      method: 'POST',
      headers: {
        'APCA-API-KEY-ID': key_id,
        'APCA-API-SECRET-KEY': secret_key,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify({
        symbol: 'DIS',
        side,
        type: 'market',
        qty: '3',
        time_in_force: 'day',
      }),
    });
    const order = (await response.json()) as { id: string };
    expect(response.status, JSON.stringify(order)).to.equal(200);
    return order.id;
  };
  const kill = async (name: string): Promise<void> => {
    const pid = (await product.pids())[name]!;
    process.kill(pid, 'SIGKILL');
    await eventually(async () => {
      expect((await product.pids())[name])
        .to.be.a('number')
        .not.equal(pid);
    }, BACK_WITHIN_MS);
  };

  it('loses and doubles no trade, and holds nothing too long', async () => {
    const ids: string[] = [];
    for (let n = 0; n < ORDERS; n += 1) {
      ids.push(await place(n % 3 === 0 ? 'sell' : 'buy', n));
      await sleep(40);
      if (n === 8 || n === 24) await kill('payments'); // the venue is in that process, too
      if (n === 16) await kill('worker-1');
    }
    await eventually(async () => {
      expect(await owner('venue_routes').where({ status: 'open' })).to.have.length(0);
    }, BACK_WITHIN_MS + 20_000);
    await expectBooksInOrder(db.knex, ids, BACK_WITHIN_MS);
    expect(await owner('orders').whereNull('closed_at')).to.have.length(0);
    expect(await owner('accounts').whereNot('cash_held', '0')).to.have.length(0);
    const { rows } = await owner.raw<{ rows: object[] }>(DIFFERENT_TRADES);
    expect(rows, 'trades that only one of us knows').to.deep.equal([]);
    expect(await owner('venue_routes').where({ disputed: true })).to.have.length(0);
    const booked = await owner('executions').whereNotNull('venue_execution_id');
    expect(booked.length, 'trades at the venue').to.be.greaterThan(ORDERS / 2);
  });
});
