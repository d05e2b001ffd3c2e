import { expect } from 'chai';
import { closedPositionsSchema } from '../../src/accounts/close-schema.js';
import { orderSchema } from '../../src/orders/docs.js';
import { createPerson, expectProblem, startApi, type Api } from '../support/api.js';
import { expectShape } from '../support/shape.js';
import { shares, startTrading, type Trading } from '../support/trading.js';

interface Outcome {
  symbol: string;
  status: number;
  body: Record<string, unknown>;
}

describe('closing positions', () => {
  let trading: Trading;
  let api: Api;

  beforeEach(async () => {
    trading = await startTrading(2);
    api = await startApi(trading);
  });
  afterEach(async () => {
    await api.stop();
    await trading.stop();
  });

  const close = (path: string) =>
    api.call('DELETE', `/v2/positions${path}`, { as: trading.accounts[0] });
  /** Somebody who buys whatever is sold. */
  const bid = (symbol: string, qty: string, price: string) =>
    trading.place({ account: 1, side: 'buy', symbol, qty, price });

  it('sells all of a position with a market order', async () => {
    await bid('AAPL', '600', '149');
    await trading.settle();
    const { status, body } = await close('/AAPL');
    expect(status).to.equal(200);
    expectShape(orderSchema, body);
    expect(body).to.include({
      symbol: 'AAPL',
      qty: '1000',
      side: 'sell',
      type: 'market',
      time_in_force: 'day',
      status: 'accepted',
    });
    await trading.settle();
    expect(await trading.position(0, 'AAPL')).to.include({ qty: shares('400') });
    expect(await trading.proof()).to.include({ balanced: true });
  });

  it('sells a quantity or a percentage, of a pair with or without its slash', async () => {
    expect((await close('/AAPL?qty=0.5')).body).to.include({ qty: '0.5' });
    expect((await close('/MSFT?percentage=12.5')).body).to.include({ qty: '125' });
    for (const name of ['BTC%2FUSD', 'BTC/USD', 'BTCUSD']) {
      const { body } = await close(`/${name}?percentage=10`);
      expect(body, name).to.include({ symbol: 'BTC/USD', qty: '1', time_in_force: 'gtc' });
    }
    const { body: asset } = await api.call('GET', '/v2/assets/AAPL', { as: trading.accounts[0] });
    expect((await close(`/${asset.id as string}?qty=2`)).body).to.include({ symbol: 'AAPL' });
  });

  it('rounds a percentage down: to whole shares of whole positions, else to the increment', async () => {
    expect((await close('/AAPL?percentage=0.25')).body).to.include({ qty: '2' });
    await trading.place({ account: 0, side: 'buy', symbol: 'KO', qty: '1.5', price: '70' });
    await trading.place({ account: 1, side: 'buy', symbol: 'KO', qty: '3', price: '60' });
    const { knex } = trading.container.db;
    const koId = trading.container.catalog.find('KO')!.id;
    await knex('positions').insert({
      account_id: trading.accounts[0]!.account_id,
      asset_id: koId,
      qty: String(shares('1.5')),
    });
    expect((await close('/KO?percentage=33.333333333')).body).to.include({ qty: '0.499999999' });
    expect((await close('/BTCUSD?percentage=0.000000001')).status).to.equal(422);
    expectProblem(await close('/AAPL?percentage=0.01'), 422, 42210000);
  });

  it('refuses what open orders hold, in the words of the wire contract', async () => {
    await trading.place({ account: 0, side: 'sell', qty: '250', price: '200' });
    const refused = await close('/AAPL');
    expectProblem(refused, 403, 40310000);
    expect(refused.body).to.include({
      symbol: 'AAPL',
      available: '750',
      existing_qty: '1000',
      held_for_orders: '250',
    });
    expect((await close('/AAPL?qty=750')).body).to.include({ qty: '750' });
    expectProblem(await close('/AAPL?qty=1'), 403, 40310000);
  });

  it('does not find what one does not have', async () => {
    for (const name of ['TSLA', 'NOPE', 'ETH/USD', 'ETH%2FUSD']) {
      expectProblem(await close(`/${name}`), 404, 40410000);
    }
  });

  it('takes what a JSON body says as it takes the query', async () => {
    const closeBy = (path: string, body: object | string) =>
      api.call('DELETE', `/v2/positions${path}`, { as: trading.accounts[0], body });
    expect((await closeBy('/AAPL', { qty: 2 })).body).to.include({ qty: '2' });
    expect((await closeBy('/AAPL?qty=3.0', { qty: '3' })).body).to.include({ qty: '3' });
    expect((await closeBy('/BTC/USD', { percentage: '10' })).body).to.include({ qty: '1' });
    for (const [path, body, detail] of [
      ['/AAPL?qty=3', { qty: '4' }, /qty is not the same/],
      ['/AAPL?qty=3', { percentage: '4' }, /only one of qty, percentage may be sent/],
      ['/AAPL', { qty: '1', percentage: '1' }, /only one of qty, percentage may be sent/],
      ['/AAPL', { quantity: '4' }, /quantity is not allowed/],
      ['/AAPL', { qty: null }, /qty must be a decimal/],
      ['', { cancel_orders: 'perhaps' }, /cancel_orders/],
      ['', { symbols: ['AAPL'] }, /symbols is not allowed/],
      ['?cancel_orders=false', { cancel_orders: true }, /cancel_orders is not the same/],
    ] as const) {
      const refused = await closeBy(path, body);
      expectProblem(refused, 422, 42210000);
      expect(refused.body.detail).to.match(detail);
    }
    expectProblem(await closeBy('/AAPL', 'qty=4'), 400, 40010000);
    expect((await trading.position(0, 'AAPL')).held, 'nothing more was sold').to.equal(shares('5'));
    await closeBy('?cancel_orders=true', { cancel_orders: true });
    const canceled = await api.call('GET', '/v2/orders?symbols=AAPL', { as: trading.accounts[0] });
    expect((canceled.body as { status: string }[]).map(({ status }) => status)).to.include(
      'pending_cancel',
    );
  });

  it('refuses bad quantities and names them', async () => {
    for (const query of [
      'qty=0',
      'qty=-1',
      'qty=abc',
      'percentage=0',
      'percentage=100.000000001',
      'percentage=-5',
      'qty=1&percentage=1',
      'cancel_orders=true',
    ]) {
      expectProblem(await close(`/AAPL?${query}`), 422, 42210000);
    }
    const { body } = await close('/AAPL?percentage=101');
    expect(body.errors).to.deep.equal([
      { field: 'percentage', message: 'percentage must be above 0 and at most 100' },
    ]);
  });

  it('closes all positions, each with its own outcome', async () => {
    await trading.place({ account: 0, side: 'sell', symbol: 'MSFT', qty: '1', price: '500' });
    const { status, body } = await close('');
    expect(status).to.equal(207);
    expectShape(closedPositionsSchema, body);
    const outcomes = body as Outcome[];
    expect(outcomes.map((one) => [one.symbol, one.status])).to.deep.equal([
      ['AAPL', 200],
      ['BTC/USD', 200],
      ['MSFT', 403],
    ]);
    expectShape(orderSchema, outcomes[0]!.body);
    expect(outcomes[2]!.body).to.include({ code: 40310000, held_for_orders: '1' });
  });

  it('cancels open orders first when asked to, and closes what they held', async () => {
    await trading.place({ account: 0, side: 'sell', symbol: 'MSFT', qty: '1000', price: '500' });
    await trading.settle();
    const worker = setInterval(() => void trading.settle(), 20);
    const { body } = await close('?cancel_orders=true');
    clearInterval(worker);
    const outcomes = body as Outcome[];
    expect(outcomes.map((one) => [one.symbol, one.status])).to.deep.equal([
      ['AAPL', 200],
      ['BTC/USD', 200],
      ['MSFT', 200],
    ]);
    await trading.settle();
    expect((await trading.position(0, 'MSFT')).held).to.equal(0n);
  });

  it('waits for the cancellations a limited time only', async () => {
    await trading.place({ account: 0, side: 'sell', qty: '10', price: '500' });
    const started = Date.now();
    const { body } = await close('?cancel_orders=true'); // and nobody works on them
    expect(Date.now() - started).to.be.within(1_900, 6_000);
    expect((body as Outcome[]).map((one) => one.status)).to.deep.equal([403, 200, 200]);
  });

  it('needs a credential that may trade', async () => {
    const reader = await createPerson(trading, {
      accountId: trading.accounts[0]!.account_id,
      scopes: ['read'],
    });
    for (const path of ['/v2/positions', '/v2/positions/AAPL', '/v2/positions/BTC/USD']) {
      expectProblem(await api.call('DELETE', path, { as: reader }), 403, 40310000);
    }
  });
});
