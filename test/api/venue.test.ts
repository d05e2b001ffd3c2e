import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import { createPerson, expectProblem, startApi, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';
import { routeOf, say, VenueSide } from '../support/venue.js';

type Person = Awaited<ReturnType<typeof createPerson>>;

describe('staff and the external venue', () => {
  let trading: Trading;
  let api: Api;
  let ops: Person;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
    ops = await createPerson(trading, { role: 'ops', scopes: ['read', 'admin'] });
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const set = (routing: string, symbol = 'BTCUSD') =>
    api.call('PUT', `/v2/admin/assets/${symbol}/routing`, {
      as: ops,
      body: { routing, reason: 'test' },
    });
  const actions = async (): Promise<string[]> => {
    const { rows } = await trading.container.db.knex.raw<{ rows: { action: string }[] }>(
      `select content::jsonb ->> 'action' as action from audit_entries`,
    );
    return rows.map(({ action }) => action).filter((action) => /venue|routing/.test(action));
  };

  it('decide what goes there, from the next order on, and it is recorded', async () => {
    const buy = { account: 0, symbol: 'BTC/USD', side: 'buy', qty: '0.01' } as const;
    expect((await set('venue')).body).to.include({ symbol: 'BTC/USD', routing: 'venue' });
    await set('venue'); // nothing to record
    const there = await trading.place(buy);
    await trading.settle();
    expect((await set('internal')).body).to.include({ routing: 'internal' });
    const here = await trading.place(buy);
    await trading.settle();
    expect(await trading.order(there)).to.include({ status: 'new' });
    expect(await trading.order(here)).to.include({ status: 'canceled', reason: 'no_liquidity' });
    expect(await actions()).to.deep.equal(['asset.routing_set', 'asset.routing_set']);
    const route = await routeOf(trading, there);
    await say(trading, new VenueSide(route, { symbol: 'BTC/USD', side: 'buy' }).done());
  });

  it('settle a dispute, once, and it is recorded', async () => {
    await set('venue');
    const order = { account: 0, symbol: 'BTC/USD', side: 'buy', qty: '0.01' } as const;
    const placed = await trading.place(order);
    await trading.settle();
    await set('internal');
    const route = await routeOf(trading, placed);
    const venue = new VenueSide(route, { symbol: 'BTC/USD', side: 'buy' });
    await say(trading, venue.fill('61000000', '0.01'), venue.done());
    const list = async (query: string) => {
      const answer = await api.call('GET', `/v2/admin/venue/routes?${query}`, { as: ops });
      return (answer.body as { routes: { id: string }[] }).routes.map(({ id }) => id);
    };
    const resolve = () =>
      api.call('POST', `/v2/admin/venue/routes/${route.id}/resolve`, {
        as: ops,
        body: { reason: 'the venue has taken it back' },
      });
    expect(await list('disputed=true')).to.deep.equal([route.id]);
    expect((await resolve()).body).to.include({ id: route.id, disputed: false });
    expect(await list('disputed=true')).to.deep.equal([]);
    expect(await actions()).to.include('venue_route.dispute_resolved');
    expectProblem(await resolve(), 409, 40910031);
  });

  it('are told what is allowed', async () => {
    expectProblem(await set('elsewhere'), 422, 42210000);
    expectProblem(await set('venue', 'NOPE'), 404, 40410000);
    const close = (id: string) =>
      api.call('POST', `/v2/admin/venue/routes/${id}/close`, { as: ops, body: { reason: 'test' } });
    expectProblem(await close(uuidv7()), 404, 40410000);
    const listed = await api.call('GET', '/v2/admin/venue/routes?status=done', { as: ops });
    const [route] = (listed.body as { routes: { id: string; symbol: string }[] }).routes;
    expect(route).to.include({ symbol: 'BTC/USD', filled_qty: '0', disputed: false });
    expectProblem(await close(route!.id), 409, 40910030);
  });
});
