import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import type { OrderView } from '../../src/orders/model.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';
import { runUpkeep } from '../support/upkeep.js';

interface Stage {
  stage: string;
  at: string | null;
  duration_ms: number | null;
  worker?: string | null;
  jobs?: object[];
}

describe("an order's timeline", () => {
  let trading: Trading;
  let api: Api;
  let ops: Awaited<ReturnType<typeof createPerson>>;

  before(async () => {
    trading = await startTrading(2);
    api = await startApi(trading);
    ops = await createPerson(trading, { role: 'ops', scopes: ['read', 'admin'] });
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const knex = () => trading.container.db.knex;
  const ask = (
    order: { id: string },
    as = trading.accounts[0]! as { key_id: string; secret_key: string },
  ) => api.call('GET', `/v2/orders/${order.id}/timeline`, { as });
  const place = (): Promise<OrderView> =>
    trading.place({ account: 0, side: 'buy', qty: '1', price: '1' });
  const later = (order: OrderView, ms: number) => new Date(order.createdAt.getTime() + ms);
  const times = (stages: Stage[]) => stages.map(({ stage, duration_ms: ms }) => [stage, ms]);

  /** What the executor leaves behind; times in milliseconds since the order was accepted. */
  const pass = async (
    order: OrderView,
    [picked, matched, settled, notified]: (number | null)[],
    columns: 'both' | 'last' = 'both',
  ): Promise<string> => {
    const id = uuidv7();
    const settledAt = later(order, settled!);
    const other = order.shard + 1;
    await knex()('execution_passes').insert({
      id,
      worker: 'host-1',
      attempt: 2,
      jobs: [`orders-${order.shard}/17`, `orders-${other}/18`, `orders-${order.shard}/a b`],
      items: 5,
      picked_up_at: later(order, picked!),
      matched_at: later(order, matched!),
      settled_at: settledAt,
    });
    await knex()('orders')
      .where({ id: order.id })
      .update({ last_pass: id, ...(columns === 'both' && { first_pass: id }) });
    if (notified !== undefined) {
      await knex()('notifications').insert({
        account_id: order.accountId,
        kind: 'order_executed',
        order_id: order.id,
        order_status: 'filled',
        executions: 1,
        qty: 1,
        value: 1,
        fees: 0,
        created_at: settledAt,
        due_at: settledAt,
        delivered_at: notified === null ? null : later(order, notified),
      });
    }
    return id;
  };

  it('has the time of acceptance alone while the order waits', async () => {
    const order = await place();
    const { body, status } = await ask(order);
    expect(status).to.equal(200);
    expect(body).to.include({ order_id: order.id, status: 'accepted' });
    expect(times(body.stages)).to.deep.equal([
      ['accepted', null],
      ['queued', 0],
      ['picked_up', null],
      ['executed', null],
      ['settled', null],
      ['notified', null],
    ]);
    expect(body.stages[0].at).to.equal(order.createdAt.toISOString());
    expect(body.stages[1]).to.include({ queue: `orders-${order.shard}` });
    expect((body.stages as Stage[]).slice(2).map(({ at }) => at)).to.deep.equal([
      null,
      null,
      null,
      null,
    ]);
    expect(body.passes).to.deep.equal([]);
  });

  it('tells who picked it up, and how long each stage took', async () => {
    const order = await place();
    const id = await pass(order, [4, 6, 11, 511]);
    const { body } = await ask(order);
    expect(times(body.stages)).to.deep.equal([
      ['accepted', null],
      ['queued', 0],
      ['picked_up', 4],
      ['executed', 2],
      ['settled', 5],
      ['notified', 500],
    ]);
    const queue = `orders-${order.shard}`;
    expect(body.stages[2]).to.deep.include({
      worker: 'host-1',
      attempt: 2,
      jobs: [
        { queue, id: '17' },
        { queue, id: 'a b' },
      ],
    });
    expect(body.passes).to.have.length(1);
    expect(body.passes[0]).to.deep.include({
      id,
      items: 5,
      stages: (body.stages as Stage[]).slice(2),
    });
  });

  it('shows the first and the last execution when they differ', async () => {
    const order = await place();
    const first = await pass(order, [4, 6, 11]);
    const last = await pass(order, [1_011, 1_012, 1_014, null], 'last');
    const { body } = await ask(order);
    expect((body.passes as { id: string }[]).map(({ id }) => id)).to.deep.equal([first, last]);
    const stages = body.stages as Stage[];
    expect(times(stages.slice(2))).to.deep.equal(times(body.passes[0].stages));
    expect(times(body.passes[1].stages)).to.deep.equal([
      ['picked_up', 1_000],
      ['executed', 1],
      ['settled', 2],
      ['notified', null],
    ]);
  });

  it("does not take another order's notification for its own, nor another pass's", async () => {
    const [order, other] = [await place(), await place()];
    await pass(order, [1, 2, 3]);
    await pass(order, [10, 11, 12, 20], 'last');
    await pass(other, [1, 2, 3]);
    const [mine, theirs] = [(await ask(order)).body, (await ask(other)).body];
    expect(mine.passes[0].stages[3].at).to.equal(null);
    expect(mine.passes[1].stages[3]).to.include({ duration_ms: 8 });
    expect(theirs.passes[0].stages[3].at).to.equal(null);
  });

  it('leads operators to the jobs on Bull Board, for any order', async () => {
    const order = await place();
    await pass(order, [1, 2, 3]);
    const { body } = await ask(order, ops);
    const queue = `orders-${order.shard}`;
    expect(body.stages[2].jobs).to.deep.equal([
      { queue, id: '17', bull_board_url: `/admin/queues/queue/${queue}/17` },
      { queue, id: 'a b', bull_board_url: `/admin/queues/queue/${queue}/a%20b` },
    ]);
  });

  it("is not told to other clients, to other staff, nor for what is not an order's id", async () => {
    const order = await place();
    const reader = await createPerson(trading, { role: 'ops', scopes: ['read'] });
    const officer = await createPerson(trading, { role: 'compliance', scopes: ['read', 'admin'] });
    const path = `/v2/orders/${order.id}/timeline`;
    expectProblem(await ask(order, trading.accounts[1]), 404, 40410000);
    expectProblem(await ask({ id: uuidv7() }), 404, 40410000);
    expectProblem(await ask({ id: uuidv7() }, ops), 404, 40410000);
    expectProblem(await ask(order, reader), 403, 40310000);
    expectProblem(await ask(order, officer), 403, 40310000);
    expectProblem(await ask({ id: 'latest' }), 422, 42210000);
    const nobody: Answer = await api.call('GET', path);
    expectProblem(nobody, 401, 40110000);
  });

  it('is without its executions after 30 days', async () => {
    const [old, recent] = [await place(), await place()];
    await pass(old, [1, 2, 3]);
    await pass(recent, [1, 2, 3]);
    const long = new Date(Date.now() - 31 * 86_400_000);
    await knex()('execution_passes').insert({
      id: uuidv7(),
      worker: 'host-2',
      attempt: 1,
      jobs: [],
      items: 1,
      picked_up_at: long,
      matched_at: long,
      settled_at: long,
    });
    const before = await knex()('execution_passes').where({ worker: 'host-2' });
    expect(before).to.have.length(1);
    await runUpkeep('purge', trading);
    expect(await knex()('execution_passes').where({ worker: 'host-2' })).to.have.length(0);
    expect((await ask(recent)).body.passes).to.have.length(1);
    await knex()('orders').where({ id: old.id }).update({ first_pass: uuidv7() });
    const { body, status } = await ask(old);
    expect([status, body.stages[2].at]).to.deep.equal([200, null]);
  });
});
