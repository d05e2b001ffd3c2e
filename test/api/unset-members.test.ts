import { expect } from 'chai';
import { expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

/** Clients in typed languages send every member they know, set or not. */
describe('members that were sent without a value', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const call = (method: string, path: string, body: object): Promise<Answer> =>
    api.call(method, path, { as: trading.accounts[0], body });
  const limit = {
    symbol: 'AAPL',
    qty: '2',
    side: 'buy',
    type: 'limit',
    time_in_force: 'day',
    limit_price: '150',
  };
  const place = (more: object = {}) => call('POST', '/v2/orders', { ...limit, ...more });

  it('count as absent in an order', async () => {
    const unset = {
      notional: null,
      extended_hours: false,
      stop_price: null,
      client_order_id: '',
      order_class: '',
      take_profit: null,
      stop_loss: null,
      trail_price: null,
      trail_percent: null,
      position_intent: '',
      legs: [],
    };
    for (const more of [unset, { legs: null, client_order_id: null, position_intent: null }]) {
      const { status, body } = await place(more);
      expect(status, JSON.stringify(body)).to.equal(200);
      expect(body.client_order_id).to.match(/^[\da-f-]{36}$/);
    }
    expectProblem(await place({ legs: [{ symbol: 'AAPL' }] }), 422, 42210000);
  });

  describe('in a replacement', () => {
    const nothing = {
      qty: null,
      limit_price: null,
      stop_price: null,
      trail: null,
      time_in_force: '',
      client_order_id: '',
    };
    const replace = async (changes: object) => {
      const { body } = await place();
      await trading.settle();
      return call('PATCH', `/v2/orders/${(body as { id: string }).id}`, changes);
    };

    it('leave what they name as it is', async () => {
      const { status, body } = await replace({ ...nothing, limit_price: '149' });
      expect(status, JSON.stringify(body)).to.equal(200);
      expect(body).to.include({ limit_price: '149', time_in_force: 'day', qty: '2' });
      expect(body.client_order_id).to.match(/^[\da-f-]{36}$/);
    });

    it('replace nothing when there is nothing else', async () => {
      for (const changes of [{}, nothing, { qty: '' }, { client_order_id: null }]) {
        const answer = await replace(changes);
        expectProblem(answer, 422, 42210000);
        expect(answer.body.detail).to.match(/at least one of qty, time_in_force/);
      }
    });
  });

  it('are in the OpenAPI document', async () => {
    const { body } = await api.call('GET', '/openapi.json');
    const { PlaceOrder, ReplaceOrder } = body.components.schemas as Record<
      string,
      { properties: Record<string, { anyOf: unknown[] }> }
    >;
    const nothing = { enum: ['', null], description: 'as if it were not sent' };
    expect(PlaceOrder!.properties['client_order_id']!.anyOf[1]).to.deep.equal(nothing);
    expect(PlaceOrder!.properties['legs']).to.deep.include({ type: ['array', 'null'] });
    expect(ReplaceOrder!.properties['time_in_force']!.anyOf).to.deep.equal([
      { type: 'string', enum: ['day', 'gtc'] },
      nothing,
    ]);
  });
});
