import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { readPrices } from '../../src/assets/prices.js';
import { seedAccounts, type SeededAccount } from '../../src/commands/seed.js';
import { connectDatabase, type Database } from '../../src/db.js';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../../src/domain/money.js';
import { seededRandom } from '../domain/order-flow.js';
import { expectBooksInOrder } from '../support/books-in-order.js';
import { eventually } from '../support/eventually.js';
import { expectClosed } from '../support/nothing-wrong.js';
import { startProduct, type Product } from '../support/processes.js';
import { randomRequest, type Random, type RandomAsset } from '../support/random-request.js';
import { wireOrder } from '../support/wire-order.js';

const CLIENTS = 12;
const PAUSE_MS = 15;
const KILLS_EACH = 2;
const KILL_EVERY_MS = 1_200;
const BACK_WITHIN_MS = 20_000;
const ORDERS_MIN = 300;
const DIVISORS: Record<string, number> = { AAPL: 1, MSFT: 2, 'BTC/USD': 200 };

/** How many requests were answered in each way, and how often a broken one was repeated. */
interface Seen {
  acknowledged: Set<string>;
  statuses: Map<number, number>;
  repeated: number;
  replayed: number;
}

/**
 * Clients that place orders of every kind, replace and cancel them. Whose connection breaks repeats
 * the request, an order with its Idempotency-Key, until there is an answer.
 */
class Crowd {
  readonly seen: Seen = { acknowledged: new Set(), statuses: new Map(), repeated: 0, replayed: 0 };
  private readonly pool: Pool;
  private readonly recent: { id: string; account: SeededAccount }[] = [];
  private running = true;
  private keys = 0;

  constructor(
    url: string,
    private readonly accounts: readonly SeededAccount[],
    private readonly assets: readonly RandomAsset[],
    private readonly random: Random,
  ) {
    this.pool = new Pool(url, { connections: CLIENTS });
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: CLIENTS }, () => this.client()));
  }

  stop(): void {
    this.running = false;
  }

  async cancelEverything(): Promise<void> {
    for (const account of this.accounts) await this.send('DELETE', '/v2/orders', account);
    await this.pool.close();
  }

  private async client(): Promise<void> {
    while (this.running) {
      const old = this.recent[this.random(Math.max(this.recent.length, 1))];
      const what = this.random(10);
      if (what < 6 || !old) await this.place();
      else if (what < 8) await this.send('DELETE', `/v2/orders/${old.id}`, old.account);
      else await this.replace(old);
      await sleep(PAUSE_MS);
    }
  }

  private async place(): Promise<void> {
    const account = this.accounts[this.random(this.accounts.length)]!;
    const asset = this.assets[this.random(this.assets.length)]!;
    const body = wireOrder(randomRequest(this.random, account.account_id, asset));
    this.note(account, await this.send('POST', '/v2/orders', account, body, `key-${this.keys++}`));
  }

  private async replace({ id, account }: { id: string; account: SeededAccount }): Promise<void> {
    const change = this.random(2) === 0 ? { qty: String(1 + this.random(3)) } : { trail: '1.5' };
    this.note(account, await this.send('PATCH', `/v2/orders/${id}`, account, change));
  }

  private note(account: SeededAccount, order: { id?: string; legs?: { id: string }[] | null }) {
    if (order.id === undefined) return;
    this.seen.acknowledged.add(order.id);
    for (const { id } of [{ id: order.id }, ...(order.legs ?? [])]) {
      this.recent.push({ id, account });
    }
    this.recent.splice(0, this.recent.length - 60);
  }

  private async send(
    method: 'POST' | 'PATCH' | 'DELETE',
    path: string,
    { key_id, secret_key }: SeededAccount,
    body?: object,
    key?: string,
  ): Promise<{ id?: string }> {
    const headers = { 'APCA-API-KEY-ID': key_id, 'APCA-API-SECRET-KEY': secret_key };
    for (;;) {
      try {
        const { statusCode, ...answer } = await this.pool.request({
          method,
          path,
          headers: { ...headers, ...(key !== undefined && { 'Idempotency-Key': key }) },
          body: body === undefined ? null : JSON.stringify(body),
        });
        const text = await answer.body.text();
        this.seen.statuses.set(statusCode, (this.seen.statuses.get(statusCode) ?? 0) + 1);
        if (answer.headers['idempotent-replayed'] === 'true') this.seen.replayed += 1;
        return statusCode === 200 ? (JSON.parse(text) as { id?: string }) : {};
      } catch {
        this.seen.repeated += 1; // the API was killed: whether it took effect is unknown
        await sleep(50);
      }
    }
  }
}

describe('kill -9 of API and workers while orders of every kind come, change and go', function () {
  this.timeout(180_000);
  let product: Product;
  let db: Database;

  before(async () => {
    const env = { MARKET_SIMULATOR: 'off', RATE_LIMIT_PER_MIN: '0', WORKERS: '2', FEE_BPS: '7' };
    product = await startProduct({ env });
    db = connectDatabase(product.demo.database_url, 'test', 2);
  });
  after(async () => {
    await db.close();
    await product.stop();
  });

  const kill = async (name: string): Promise<void> => {
    const pid = (await product.pids())[name]!;
    process.kill(pid, 'SIGKILL');
    await eventually(async () => {
      expect((await product.pids())[name])
        .to.be.a('number')
        .not.equal(pid);
    }, BACK_WITHIN_MS);
  };

  it('leaves no order pending, nothing held, and no answer open', async () => {
    const seed = Number(process.env['BROKERX_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    process.stdout.write(`      BROKERX_TEST_SEED=${seed}\n`);
    const shares = new Map(
      Object.keys(DIVISORS).map((symbol) => [symbol, parseDecimal('1000', QTY_SCALE)]),
    );
    const cash = parseDecimal('5000000', PRICE_SCALE);
    const request = { accounts: 10, cash, shares };
    const accounts = await seedAccounts(db.knex, request, () => undefined);
    const assets = (await readPrices(db.knex)).flatMap(({ symbol, price }) => {
      const divisor = DIVISORS[symbol];
      return divisor === undefined ? [] : [{ symbol, lastPrice: price, divisor }];
    });
    const crowd = new Crowd(product.demo.url, accounts, assets, seededRandom(seed));
    const running = crowd.run();
    for (let round = 0; round < KILLS_EACH; round++) {
      for (const name of ['worker-1', 'api', 'worker-2']) {
        await sleep(KILL_EVERY_MS);
        await kill(name);
      }
    }
    // However slow the machine is: as many orders as say something.
    while (crowd.seen.acknowledged.size <= ORDERS_MIN) await sleep(KILL_EVERY_MS);
    crowd.stop();
    await running;
    await crowd.cancelEverything();
    const { acknowledged, statuses, repeated, replayed } = crowd.seen;
    const counts = { ...Object.fromEntries(statuses), repeated, replayed };
    process.stdout.write(`      ${JSON.stringify(counts)}\n`);

    await expectBooksInOrder(db.knex, [...acknowledged], BACK_WITHIN_MS);
    await expectClosed(db.knex);
    expect([...statuses.keys()].filter((status) => status >= 500 || status === 400)).to.deep.equal(
      [],
    );
    expect(repeated, 'requests that the fault broke').to.be.greaterThan(0);
    expect(acknowledged.size).to.be.greaterThan(ORDERS_MIN);
    const placed = await db.knex('orders').whereIn(
      'account_id',
      accounts.map((one) => one.account_id),
    );
    const firsts = placed.filter(
      ({ leg }: { leg: string | null }) => leg === null || leg === 'entry',
    );
    const unknown = firsts.filter(
      (order: { id: string; replaces: string | null }) =>
        order.replaces === null && !acknowledged.has(order.id),
    );
    expect(unknown, 'orders that nobody was told of').to.have.length(0);
  });
});
