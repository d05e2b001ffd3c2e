import { expect } from 'chai';
import { orderSchema } from '../../src/orders/docs.js';
import { expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

type Order = Record<string, unknown> & { id: string; legs: Order[] | null };

describe('orders of every type over HTTP', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(3);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const call = (
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ) => api.call(method, path, { as: trading.accounts[0], headers, ...(body && { body }) });
  const base = { symbol: 'AAPL', qty: '2', side: 'sell', time_in_force: 'gtc' };
  const post = (more: object): Promise<Answer> => call('POST', '/v2/orders', { ...base, ...more });
  const accepted = async (more: object): Promise<Order> => {
    const { status, body } = await post(more);
    expect(status, JSON.stringify(body)).to.equal(200);
    expect(orderSchema.validate(body).error).to.equal(undefined);
    return body as Order;
  };
  const get = async (id: string, query = ''): Promise<Order> =>
    (await call('GET', `/v2/orders/${id}${query}`)).body as Order;

  for (const [type, more, shown] of [
    ['stop', { stop_price: '140' }, { stop_price: '140', limit_price: null }],
    ['stop_limit', { stop_price: 140, limit_price: 139.5 }, { limit_price: '139.5' }],
    ['trailing_stop', { trail_price: '2.5' }, { trail_price: '2.5', trail_percent: null }],
    ['trailing_stop', { trail_percent: '1.5' }, { trail_percent: '1.5', trail_price: null }],
  ] as const) {
    it(`takes a ${type} with ${Object.keys(more).join(' and ')}`, async () => {
      const order = await accepted({ type, ...more });
      expect(order).to.include({ type, order_type: type, order_class: '', status: 'accepted' });
      expect(order).to.include(shown);
      await trading.settle();
      const armed = await get(order.id);
      expect(armed).to.include({ status: 'new' });
      if (type === 'trailing_stop') {
        const stop = 'trail_price' in more ? '147.5' : '147.75';
        expect(armed).to.include({ hwm: '150', stop_price: stop });
        const { events } = (await call('GET', '/v2/events')).body as {
          events: { event: string; order: Order }[];
        };
        const told = events.find(
          ({ event, order: of }) => event === 'new' && of['id'] === order.id,
        );
        expect(told!.order).to.include({ hwm: '150', stop_price: stop });
      }
    });
  }

  it('takes notional orders, whose quantity is unset', async () => {
    const more = { qty: undefined, notional: '100.50', type: 'market', side: 'buy' };
    expect(await accepted({ ...more, time_in_force: 'day' })).to.include({
      notional: '100.5',
      qty: null,
    });
  });

  it('shows the legs of a bracket under it, and beside it unless nested', async () => {
    const bracket = await accepted({
      side: 'buy',
      type: 'limit',
      limit_price: '120',
      order_class: 'bracket',
      take_profit: { limit_price: '130' },
      stop_loss: { stop_price: '110', limit_price: '109.5' },
    });
    expect(bracket).to.include({ order_class: 'bracket', type: 'limit' });
    const [profit, loss] = bracket.legs!;
    expect(profit).to.include({ type: 'limit', side: 'sell', status: 'held', limit_price: '130' });
    expect(loss).to.include({ type: 'stop_limit', stop_price: '110', limit_price: '109.5' });
    expect((await get(bracket.id)).legs).to.have.length(2);
    expect((await get(bracket.id, '?nested=false')).legs).to.equal(null);
    const list = async (query: string) =>
      (await call('GET', `/v2/orders?status=open&limit=500${query}`)).body as Order[];
    const ids = (orders: Order[]) => orders.map(({ id }) => id);
    expect(ids(await list(''))).to.include.members([bracket.id, profit!.id, loss!.id]);
    const nested = await list('&nested=true');
    expect(ids(nested)).to.include(bracket.id).and.not.to.include(profit!.id);
    expect(nested.find(({ id }) => id === bracket.id)!.legs).to.have.length(2);
    await trading.settle();
    expect((await call('DELETE', `/v2/orders/${profit!.id}`)).status).to.equal(204);
    await trading.settle();
    expect(await get(bracket.id)).to.include({ status: 'canceled' });
  });

  for (const [what, more, field] of [
    ['a stop without its price', { type: 'stop' }, 'stop_price'],
    [
      'a limit price on a stop',
      { type: 'stop', stop_price: '140', limit_price: '1' },
      'limit_price',
    ],
    ['both trails', { type: 'trailing_stop', trail_price: '1', trail_percent: '1' }, 'trail_price'],
    ['a trail of more than all', { type: 'trailing_stop', trail_percent: '100' }, 'trail_percent'],
    ['a trail on a limit', { type: 'limit', limit_price: '1', trail_price: '1' }, 'trail_price'],
    ['quantity and notional', { type: 'market', notional: '10' }, 'qty'],
    ['neither quantity nor notional', { type: 'market', qty: null }, 'qty'],
    ['a notional stop', { type: 'stop', stop_price: '140', qty: null, notional: '5' }, 'notional'],
    ['too small a notional', { type: 'market', qty: null, notional: '0.99' }, 'notional'],
    ['an ioc stop', { type: 'stop', stop_price: '140', time_in_force: 'ioc' }, 'time_in_force'],
    [
      'a stop at the open',
      { type: 'stop', stop_price: '1', time_in_force: 'opg' },
      'time_in_force',
    ],
    ['legs without a class', { type: 'market', stop_loss: { stop_price: '1' } }, 'stop_loss'],
    ['a bracket without a leg', { type: 'market', order_class: 'bracket' }, 'take_profit'],
    [
      'a profit on the wrong side',
      {
        type: 'market',
        side: 'buy',
        order_class: 'bracket',
        take_profit: { limit_price: '100' },
        stop_loss: { stop_price: '90' },
      },
      'take_profit.limit_price',
    ],
    [
      'a loss on the wrong side',
      { type: 'market', side: 'buy', order_class: 'oto', stop_loss: { stop_price: '200' } },
      'stop_loss.stop_price',
    ],
    ['an off-tick stop', { type: 'stop', stop_price: '140.001' }, 'stop_price'],
    [
      'coins at the open',
      { type: 'market', symbol: 'BTC/USD', qty: '0.1', time_in_force: 'opg' },
      'time_in_force',
    ],
    ['hours on a market order', { type: 'market', extended_hours: true }, 'extended_hours'],
  ] as const) {
    it(`refuses ${what} and names ${field}`, async () => {
      const before = await trading.container.db.knex('orders').count('* as count').first();
      const answer = await post(more);
      expectProblem(answer, 422, 42210000);
      expect((answer.body as { field: string }).field).to.equal(field);
      const after = await trading.container.db.knex('orders').count('* as count').first();
      expect(after).to.deep.equal(before);
    });
  }

  it('replaces an order and keeps to the version that was named', async () => {
    const order = await accepted({ side: 'buy', type: 'limit', limit_price: '100' });
    await trading.settle();
    const { headers } = await call('GET', `/v2/orders/${order.id}`);
    const path = `/v2/orders/${order.id}`;
    const stale = await call('PATCH', path, { limit_price: '101' }, { 'If-Match': '"1"' });
    expectProblem(stale, 409, 40910000);
    expect(stale.body).to.include({ version: 2, order_status: 'new' });
    const etag = headers.get('etag')!;
    const answer = await call('PATCH', path, { limit_price: '101' }, { 'If-Match': etag });
    expect(answer.status).to.equal(200);
    expect(answer.body).to.include({ replaces: order.id, limit_price: '101', qty: '2' });
    expect(await get(order.id)).to.include({ status: 'pending_replace' });
    expectProblem(await call('PATCH', path, { limit_price: '102' }), 422, 42210000);
    await trading.settle();
    const { id } = answer.body as Order;
    expect(await get(order.id)).to.include({ status: 'replaced', replaced_by: id });
    expect((await get(order.id))['replaced_at']).to.be.a('string');
    expect(await get(id)).to.include({ status: 'new' });
  });

  it('refuses to change what cannot change', async () => {
    const order = await accepted({ side: 'buy', type: 'limit', limit_price: '90' });
    const path = `/v2/orders/${order.id}`;
    for (const body of [
      {},
      { stop_price: '90' },
      { trail: '1' },
      { qty: '0' },
      { limit_price: '90.001' },
      { time_in_force: 'ioc' },
      { id: '00000000-0000-7000-8000-000000000000', qty: '1' },
      { notional: '100' },
      { side: 'sell' },
    ]) {
      expectProblem(await call('PATCH', path, body), 422, 42210000);
    }
    const other = await api.call('PATCH', path, { as: trading.accounts[1], body: { qty: '1' } });
    expectProblem(other, 404, 40410000);
    expect((await call('PATCH', path, { id: order.id, qty: '1' })).status).to.equal(200);
  });
});
