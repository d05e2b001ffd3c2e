import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { v7 as uuidv7 } from 'uuid';
import { killSwitchActive } from '../../src/metrics.js';
import type { OrderView } from '../../src/orders/model.js';
import { cancelKilled } from '../../src/risk/kill-switch.js';
import { startKillSwitchWatch } from '../../workers/kill-switch.js';
import { startOrderWorkers } from '../../workers/orders.js';
import { connectRedis, workerOptions } from '../../src/redis.js';
import { createPerson, startApi } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { createTestRedis, type TestRedis } from '../support/redis.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('the kill switch', () => {
  let redis: TestRedis;
  let trading: Trading;
  let nudged: number[];

  before(async () => {
    redis = await createTestRedis();
  });
  after(() => redis.close());
  beforeEach(async () => {
    trading = await startTrading(3, { REDIS_URL: redis.url });
    nudged = [];
  });
  afterEach(() => trading.stop());

  const knex = () => trading.container.db.knex;
  const account = (index: number) => trading.accounts[index]!.account_id;
  const kill = (accountId: string | null) =>
    knex()('trading_blocks').insert({
      id: uuidv7(),
      kind: 'kill',
      scope: accountId === null ? 'global' : 'account',
      target: accountId,
      reason: 'test',
    });
  const lift = () => knex()('trading_blocks').delete();
  const cancel = () => cancelKilled(knex(), (shards) => nudged.push(...shards));
  const rest = async (index: number, symbol = 'AAPL'): Promise<OrderView> => {
    const order = await trading.place({
      account: index,
      side: 'buy',
      qty: '1',
      price: '1',
      symbol,
    });
    await trading.settle();
    return order;
  };
  const statuses = async (...orders: OrderView[]): Promise<string[]> =>
    Promise.all(orders.map(async (order) => (await trading.order(order)).status));
  const park = (order: OrderView) =>
    knex()('parked_orders').insert({
      order_id: order.id,
      account_id: order.accountId,
      asset_id: order.assetId,
      shard: order.shard,
      waits_for: 'entry',
      seq: 1,
    });
  const gauge = async (scope: string): Promise<number | undefined> =>
    (await killSwitchActive.get()).values.find(({ labels }) => labels.scope === scope)?.value;

  it("cancels one account's resting orders, wherever they rest, and nobody else's", async () => {
    const [mine, also, theirs] = [await rest(0), await rest(0, 'MSFT'), await rest(1)];
    await kill(account(0));
    expect(await cancel()).to.equal(2);
    expect(new Set(nudged)).to.deep.equal(new Set([mine.shard, also.shard]));
    await trading.settle();
    expect(await statuses(mine, also, theirs)).to.deep.equal(['canceled', 'canceled', 'new']);
    expect(await trading.cash(0)).to.include({ held: 0n });
    expect(await trading.proof()).to.include({ balanced: true, mismatchedBalances: 0 });
  });

  it("cancels everybody's when it is on for everybody", async () => {
    const orders = [await rest(0), await rest(1), await rest(2)];
    await kill(null);
    expect(await cancel()).to.equal(3);
    await trading.settle();
    expect(await statuses(...orders)).to.deep.equal(['canceled', 'canceled', 'canceled']);
  });

  it('reaches what waits to be worked on and what is parked', async () => {
    const parked = await trading.place({ account: 0, side: 'buy', qty: '1', price: '1' });
    await knex()('work_items').delete();
    await park(parked);
    const waiting = await trading.place({ account: 0, side: 'buy', qty: '1', price: '1' });
    await kill(account(0));
    expect(await cancel()).to.equal(2);
    const items = (await knex()('work_items').orderBy('id')) as Record<string, unknown>[];
    expect(items.map(({ kind, order_id, reason }) => [kind, order_id, reason])).to.deep.equal([
      ['place', waiting.id, null],
      ...items.slice(1).map(({ order_id }) => ['cancel', order_id, 'kill_switch']),
    ]);
    expect(items.slice(1).map((item) => item['order_id'])).to.have.members([parked.id, waiting.id]);
  });

  it('adds one cancellation an order, however often and by however many it is done', async () => {
    await rest(0);
    const asked = await rest(0);
    await trading.container.intake.cancel(asked.accountId, asked.id);
    await kill(account(0));
    const added = await Promise.all([cancel(), cancel(), cancel(), cancel()]);
    expect(added.reduce((sum, one) => sum + one)).to.equal(1);
    expect(await cancel()).to.equal(0);
    expect(nudged, 'what waits is rung for again').not.to.deep.equal([]);
    expect(await knex()('work_items').where({ kind: 'cancel' })).to.have.length(2);
  });

  it("waits for the account's lock, under which intake decides whether to cancel", async () => {
    const { id, accountId, shard } = await rest(0);
    await kill(null);
    const intake = await knex().transaction(); // as intake does it, only slower
    await intake('accounts').where({ id: accountId }).forNoKeyUpdate().select('id');
    const killing = cancel();
    await sleep(200);
    const item = { shard, kind: 'cancel', order_id: id, account_id: accountId };
    await intake('work_items').insert({ ...item, created_at: new Date() });
    await intake.commit();
    expect(await killing).to.equal(0);
    expect(await knex()('work_items')).to.have.length(1);
  });

  it('does not get in the way of clients who cancel the same orders at that moment', async () => {
    const { intake, executor } = trading.container;
    for (let round = 0; round < 5; round++) {
      const orders = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          trading.place({ account: index % 3, side: 'buy', qty: '1', price: '1' }),
        ),
      );
      await kill(null);
      const cancels = orders.map(({ accountId, id }) => intake.cancel(accountId, id));
      const draining = executor.drain(orders[0]!.shard, 'meanwhile');
      const outcomes = await Promise.allSettled([...cancels, cancel(), cancel(), draining]);
      const failures = outcomes.filter(
        (one) => one.status === 'rejected' && !/not cancelable/.test(String(one.reason)),
      );
      expect(failures).to.deep.equal([]);
      await cancel();
      await trading.settle();
      // Rejected are those that came to the market after the kill.
      for (const status of await statuses(...orders)) {
        expect(status).to.be.oneOf(['canceled', 'rejected']);
      }
      await lift();
    }
  });

  it('writes no pending_cancel events, and the cancellation itself', async () => {
    const order = await rest(0);
    await kill(account(0));
    await cancel();
    await trading.settle();
    const events = (await knex()('account_events')
      .where({ order_id: order.id })
      .orderBy('event_id')) as { type: string }[];
    expect(events.map(({ type }) => type)).to.deep.equal(['pending_new', 'new', 'canceled']);
  });

  it('does nothing while it is off, and tells the metrics when it is on', async () => {
    await rest(0);
    expect(await cancel()).to.equal(0);
    expect([await gauge('global'), await gauge('account')]).to.deep.equal([0, 0]);
    await kill(null);
    await kill(account(0));
    await kill(account(1));
    await cancel();
    expect([await gauge('global'), await gauge('account')]).to.deep.equal([1, 2]);
    await lift();
    await cancel();
    expect([await gauge('global'), await gauge('account')]).to.deep.equal([0, 0]);
  });

  it('takes more than one page when there are many orders', async function () {
    this.timeout(60_000);
    const orders = 12_000;
    const order = await rest(0);
    // Copies of one order: what placing them would leave behind, without the time it takes.
    await knex().raw(
      `with copies as (
         insert into orders (id, account_id, asset_id, shard, client_order_id, side, type,
           time_in_force, qty, limit_price, bound_price, fee_bps, status, hold, created_at, updated_at)
         select gen_random_uuid(), account_id, asset_id, shard, 'copy-' || n, side, type,
           time_in_force, qty, limit_price, bound_price, fee_bps, 'new', 0, created_at, updated_at
         from orders, generate_series(2, ?::int) n where id = ? returning id, asset_id, shard, account_id
       )
       select count(*) from copies`,
      [orders, order.id],
    );
    await knex().raw(
      `insert into book_orders (order_id, asset_id, shard, side, rank, seq, account_id, remaining)
       select id, asset_id, shard, side, -limit_price, row_number() over () + 1000, account_id, qty
       from orders where id <> ?`,
      [order.id],
    );
    await kill(null);
    const started = performance.now();
    expect(await cancel()).to.equal(orders);
    expect(performance.now() - started).to.be.lessThan(4_000);
  });

  it('cancels within 5 s although the process that turned it on died, and Redis is flushed', async () => {
    const { container } = trading;
    const [mine, theirs] = [await rest(0), await rest(1)];
    const direct = new Redis(redis.url);
    const connection = connectRedis(redis.url, workerOptions, () => undefined);
    const workers = startOrderWorkers(
      container.nudges.shardQueues.length,
      connection,
      container.executor,
    );
    const stopWatch = startKillSwitchWatch({ ...container, knex: knex() });
    try {
      await kill(account(0)); // committed, and nothing of what follows was done
      await direct.flushall();
      const killedAt = performance.now();
      await eventually(async () => {
        expect(await statuses(mine, theirs)).to.deep.equal(['canceled', 'new']);
      }, 5_000);
      expect(performance.now() - killedAt).to.be.lessThan(5_000);
    } finally {
      await stopWatch();
      await Promise.all(workers.map((worker) => worker.close()));
      connection.disconnect();
      direct.disconnect();
    }
  });

  it('is turned on over HTTP, and the resting orders are in the sequence by the answer', async () => {
    const api = await startApi(trading);
    try {
      const as = await createPerson(trading, { role: 'ops', scopes: ['read', 'admin'] });
      const [mine, theirs] = [await rest(0), await rest(1)];
      const set = (path: string) =>
        api.call('PUT', `/v2/admin/${path}`, { as, body: { reason: 'runaway program' } });
      expect((await set(`accounts/${account(0)}/kill_switch`)).status).to.equal(200);
      const items = await knex()('work_items').select('order_id', 'kind', 'reason');
      expect(items).to.deep.equal([{ order_id: mine.id, kind: 'cancel', reason: 'kill_switch' }]);
      expect((await set('kill_switch')).status).to.equal(200);
      await trading.settle();
      expect(await statuses(mine, theirs)).to.deep.equal(['canceled', 'canceled']);
    } finally {
      await api.stop();
    }
  });
});
