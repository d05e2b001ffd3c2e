import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import { expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('orders over HTTP', () => {
  let trading: Trading;
  let api: Api;

  beforeEach(async () => {
    trading = await startTrading(3);
    api = await startApi(trading);
  });
  afterEach(async () => {
    await api.stop();
    await trading.stop();
  });

  const key = (account = 0) => trading.accounts[account]!;
  const limit = (more: object = {}) => ({
    symbol: 'AAPL',
    qty: '2',
    side: 'buy',
    type: 'limit',
    time_in_force: 'day',
    limit_price: '150',
    ...more,
  });
  const place = (body: object, headers = {}, account = 0): Promise<Answer> =>
    api.call('POST', '/v2/orders', { as: key(account), body, headers });
  const idsOf = ({ body }: Answer): string[] => (body as { id: string }[]).map(({ id }) => id);

  it('acknowledges an order in the wire format, with every unset field null', async () => {
    const { status, body, headers } = await place(limit({ qty: 2, limit_price: 150 }));
    expect(status).to.equal(200);
    expect(headers.get('etag')).to.equal('"1"');
    expect(body).to.include({
      symbol: 'AAPL',
      asset_class: 'us_equity',
      qty: '2',
      filled_qty: '0',
      filled_avg_price: null,
      order_class: '',
      order_type: 'limit',
      type: 'limit',
      side: 'buy',
      time_in_force: 'day',
      limit_price: '150',
      status: 'accepted',
      legs: null,
      notional: null,
      replaced_by: null,
      position_intent: 'buy_to_open',
      expires_at: null,
      version: 1,
    });
    expect(body.created_at).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('finds an order by its id and by its client order id, for its owner only', async () => {
    const { body } = await place(limit({ client_order_id: 'mine' }));
    const byClientId = '/v2/orders:by_client_order_id?client_order_id=mine';
    for (const path of [`/v2/orders/${body.id}`, byClientId]) {
      expect((await api.call('GET', path, { as: key() })).body).to.include({ id: body.id });
      expectProblem(await api.call('GET', path, { as: key(1) }), 404, 40410000);
      expectProblem(await api.call('GET', path), 401, 40110000);
    }
    const cancel = await api.call('DELETE', `/v2/orders/${body.id}`, { as: key(1) });
    expectProblem(cancel, 404, 40410000);
    expectProblem(await api.call('GET', `/v2/orders/${uuidv7()}`, { as: key() }), 404, 40410000);
  });

  it('lists open, closed and all orders, newest first, by page', async () => {
    const made: string[] = [];
    for (let n = 0; n < 5; n++) made.push((await place(limit({ limit_price: 100 + n }))).body.id);
    await trading.settle();
    await api.call('DELETE', `/v2/orders/${made[0]}`, { as: key() });
    await trading.settle();
    const list = (query: string) => api.call('GET', `/v2/orders?${query}`, { as: key() });
    const newestFirst = made.slice(1).reverse();
    expect(idsOf(await list(''))).to.deep.equal(newestFirst);
    expect(idsOf(await list('status=closed'))).to.deep.equal([made[0]]);
    expect(idsOf(await list('status=all&direction=asc'))).to.deep.equal(made);
    expect(idsOf(await list('status=all&limit=2'))).to.deep.equal([made[4], made[3]]);
    expect(idsOf(await list(`status=all&limit=2&before_order_id=${made[3]}`))).to.deep.equal([
      made[2],
      made[1],
    ]);
    expect(idsOf(await list('symbols=MSFT'))).to.deep.equal([]);
    expect(idsOf(await list('symbols=MSFT,AAPL&side=sell'))).to.deep.equal([]);
    expectProblem(await list('limit=501'), 422, 42210000);
    expectProblem(await list('status=everything'), 422, 42210000);
  });

  it('are listed by symbols in whatever way they are written', async () => {
    const apple = await place(limit());
    const coin = await place(limit({ symbol: 'BTCUSD', time_in_force: 'gtc', qty: '0.01' }));
    const list = (query: string) => api.call('GET', `/v2/orders?${query}`, { as: key() });
    const both = [coin.body.id, apple.body.id];
    for (const symbols of [
      'symbols=BTC/USD,AAPL',
      'symbols=BTCUSD, AAPL',
      'symbols=AAPL&symbols=BTCUSD',
      'symbols=AAPL,NOSUCH&symbols=BTC%2FUSD',
      `symbols=${coin.body.asset_id}&symbols=AAPL`,
    ]) {
      expect(idsOf(await list(symbols)), symbols).to.deep.equal(both);
    }
    expect(idsOf(await list('symbols=NOSUCH'))).to.deep.equal([]);
    expect(idsOf(await list('asset_class=crypto&asset_class=us_option'))).to.deep.equal([both[0]]);
    for (const none of ['us_option', 'crypto_perp', 'us_option,crypto_perp']) {
      expect(idsOf(await list(`asset_class=${none}`)), none).to.deep.equal([]);
    }
    expectProblem(await list('asset_class=bond'), 422, 42210000);
  });

  it('cancels an order once; a final one is not cancelable', async () => {
    const { body } = await place(limit());
    const cancel = () => api.call('DELETE', `/v2/orders/${body.id}`, { as: key() });
    expect((await cancel()).status).to.equal(204);
    const pending = await api.call('GET', `/v2/orders/${body.id}`, { as: key() });
    expect(pending.body).to.include({ status: 'pending_cancel' });
    expect((await cancel()).status).to.equal(204);
    await trading.settle();
    const canceled = await api.call('GET', `/v2/orders/${body.id}`, { as: key() });
    expect(canceled.body).to.include({ status: 'canceled' });
    expect(canceled.body.canceled_at).to.be.a('string');
    expectProblem(await cancel(), 422, 42210000);
  });

  it('cancels all open orders and answers for each', async () => {
    const made = [await place(limit()), await place(limit())].map(({ body }) => body.id as string);
    await place(limit(), {}, 1);
    const answer = await api.call('DELETE', '/v2/orders', { as: key() });
    expect(answer.status).to.equal(207);
    expect(idsOf(answer)).to.have.members(made);
    expect(answer.body[0]).to.include({ status: 200 });
    await trading.settle();
    expect((await api.call('GET', '/v2/orders', { as: key() })).body).to.have.length(0);
    expect((await api.call('GET', '/v2/orders', { as: key(1) })).body).to.have.length(1);
  });

  it('refuses what the account cannot pay for or does not have, with figures', async () => {
    const dear = await place(limit({ qty: '1000' }));
    expectProblem(dear, 403, 40310000);
    expect(dear.body).to.include({ buying_power: '100000', cost_basis: '150000' });
    const short = await place(limit({ side: 'sell', qty: '1001' }));
    expectProblem(short, 403, 40310000);
    expect(short.body).to.include({
      available: '1000',
      existing_qty: '1000',
      held_for_orders: '0',
      symbol: 'AAPL',
    });
  });

  it('knows the intents of who sells nothing short, and refuses the others with the reason', async () => {
    const intend = (side: string, position_intent: string) =>
      place(limit({ side, position_intent }));
    for (const [side, intent] of [
      ['buy', 'buy_to_open'],
      ['sell', 'sell_to_close'],
    ] as const) {
      const { status, body } = await intend(side, intent);
      expect(status, JSON.stringify(body)).to.equal(200);
      expect(body).to.include({ position_intent: intent });
      await api.call('DELETE', '/v2/orders', { as: key() });
      await trading.settle();
    }
    for (const [side, intent, detail] of [
      [
        'buy',
        'buy_to_close',
        /position_intent "buy_to_close" is not possible: nothing is sold short/,
      ],
      [
        'sell',
        'sell_to_open',
        /position_intent "sell_to_open" is not possible: nothing is sold short/,
      ],
      ['buy', 'sell_to_close', /"sell_to_close" does not go with side buy/],
      ['sell', 'buy_to_open', /"buy_to_open" does not go with side sell/],
      ['sell', 'hold', /"hold" is not possible/],
    ] as const) {
      const refused = await intend(side, intent);
      expectProblem(refused, 422, 42210000);
      expect(refused.body.detail).to.match(detail);
    }
  });

  it('refuses a client order id that was used, in one batch as well', async () => {
    const twice = limit({ client_order_id: 'twice' });
    const answers = await Promise.all([1, 2, 3].map(() => place(twice)));
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    expectProblem(await place(twice), 422, 40010001);
    expect((await place(twice, {}, 1)).status, "another client's").to.equal(200);
  });

  describe('with an Idempotency-Key', () => {
    const keyed = { 'Idempotency-Key': 'k-1' };

    it('a hundred copies at once make one order and get one answer', async () => {
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => place(limit({ client_order_id: 'once' }), keyed)),
      );
      const bodies = new Set(answers.map(({ body }) => JSON.stringify(body)));
      expect([...bodies]).to.have.length(1);
      const replays = answers.filter(
        ({ headers }) => headers.get('idempotent-replayed') === 'true',
      );
      expect(replays).to.have.length(99);
      expect(await trading.container.db.knex('orders')).to.have.length(1);
    });

    it('the first answer comes again, even when the order has filled since', async () => {
      const first = await place(limit(), keyed);
      await trading.place({ account: 1, side: 'sell', qty: '2', price: '150' });
      await trading.settle();
      const again = await place(limit(), keyed);
      expect(again.body).to.deep.equal(first.body);
      expect(again.headers.get('idempotent-replayed')).to.equal('true');
    });

    it('another body is refused, and another client is not concerned', async () => {
      await place(limit(), keyed);
      expectProblem(await place(limit({ qty: '3' }), keyed), 422, 42210000);
      expect((await place(limit({ qty: '3' }), keyed, 1)).status).to.equal(200);
    });

    it('the first answer comes again, even when the order would not be valid any more', async () => {
      const first = await place(limit(), keyed);
      const { catalog, db } = trading.container;
      await db.knex('assets').where({ symbol: 'AAPL' }).update({ tradable: false });
      await catalog.refresh();
      const again = await place(limit(), keyed);
      expect(again.body).to.deep.equal(first.body);
      expectProblem(await place(limit(), { 'Idempotency-Key': 'k-2' }), 422, 42210000);
    });

    it('a refusal comes again, although the order would be accepted by now', async () => {
      const body = limit({ side: 'sell', qty: '1001' });
      expectProblem(await place(body, keyed), 403, 40310000);
      await trading.place({ account: 1, side: 'sell', qty: '5', price: '150' });
      await trading.place({ account: 0, side: 'buy', qty: '5', price: '150' });
      await trading.settle();
      const again = await place(body, keyed);
      expectProblem(again, 403, 40310000);
      expect(again.headers.get('idempotent-replayed')).to.equal('true');
      expect((await place(body)).status).to.equal(200);
    });
  });
});
