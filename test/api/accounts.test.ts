import { expect } from 'chai';
import { accountSchema, positionSchema } from '../../src/accounts/schema.js';
import { assetSchema } from '../../src/assets/schema.js';
import { clockSchema } from '../../src/market/clock-routes.js';
import { orderSchema } from '../../src/orders/docs.js';
import { expectProblem, startApi, type Api } from '../support/api.js';
import { expectShape } from '../support/shape.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('account, positions, assets and clock', () => {
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

  const get = (path: string, account = 0) =>
    api.call('GET', path, { as: trading.accounts[account] });

  it('shows an account: 100,000 in cash, 1,000 AAPL at 150, 1,000 MSFT at 410, 10 BTC at 60,000', async () => {
    const { body } = await get('/v2/account');
    expectShape(accountSchema, body);
    expect(body).to.include({
      id: trading.accounts[0]!.account_id,
      status: 'ACTIVE',
      currency: 'USD',
      cash: '100000',
      long_market_value: '1160000',
      short_market_value: '0',
      equity: '1260000',
      portfolio_value: '1260000',
      last_equity: '1260000',
      buying_power: '100000',
      non_marginable_buying_power: '100000',
      multiplier: '1',
    });
  });

  it('takes what open orders hold off the buying power, not off the cash', async () => {
    await trading.place({ account: 0, side: 'buy', qty: '10', price: '100' });
    const { body } = await get('/v2/account');
    expect(body).to.include({ cash: '100000', buying_power: '99000', equity: '1260000' });
  });

  it('shows what an executed order changed, in both accounts', async () => {
    await trading.place({ account: 1, side: 'sell', qty: '100', price: '155.5' });
    await trading.place({ account: 0, side: 'buy', qty: '100', price: '156' });
    await trading.settle();
    const { body: buyer } = await get('/v2/account');
    expect(buyer).to.include({ cash: '84450', buying_power: '84450', last_equity: '1259450' });
    const { body: position } = await get('/v2/positions/AAPL');
    expectShape(positionSchema, position);
    expect(position).to.include({
      symbol: 'AAPL',
      qty: '1100',
      qty_available: '1100',
      side: 'long',
      cost_basis: '165550',
      avg_entry_price: '150.5',
      current_price: '155.5',
      lastday_price: '150',
      market_value: '171050',
      unrealized_pl: '5500',
      unrealized_plpc: '0.033222',
      change_today: '0.036666',
      unrealized_intraday_pl: '5500', // 1,000 from the close at 150; 100 from their cost of 155.5
      unrealized_intraday_plpc: '0.033222',
    });
    const { body: order } = await get('/v2/orders?status=closed');
    for (const each of order as unknown[]) expectShape(orderSchema, each);
    expect(order[0]).to.include({ status: 'filled', filled_avg_price: '155.5', commission: '0' });
  });

  it('shows what an open sell order holds of a position', async () => {
    await trading.place({ account: 0, side: 'sell', qty: '250.5', price: '200' });
    const { body } = await get('/v2/positions/AAPL');
    expect(body).to.include({ qty: '1000', qty_available: '749.5' });
  });

  it('finds a position by symbol, by id, and a pair with or without its slash', async () => {
    const { body: asset } = await get('/v2/assets/AAPL');
    const names = ['BTC%2FUSD', 'BTC/USD', 'BTCUSD'];
    for (const name of names) {
      const { status, body } = await get(`/v2/positions/${name}`);
      expect(status, name).to.equal(200);
      expect(body).to.include({ symbol: 'BTC/USD', qty: '10', asset_class: 'crypto' });
    }
    expect((await get(`/v2/positions/${asset.id as string}`)).body.symbol).to.equal('AAPL');
  });

  it('lists positions by symbol, without those that were sold out', async () => {
    const { body } = await get('/v2/positions');
    for (const position of body as unknown[]) expectShape(positionSchema, position);
    expect((body as { symbol: string }[]).map(({ symbol }) => symbol)).to.deep.equal([
      'AAPL',
      'BTC/USD',
      'MSFT',
    ]);
    const { catalog } = trading.container; // so that somebody can afford them all
    await trading.asOwner(
      `update market_prices set reference_price = 1000000
       where asset_id = '${catalog.find('BTC/USD')!.id}'`,
    );
    await catalog.refresh();
    await trading.place({ account: 0, side: 'sell', qty: '10', price: '100', symbol: 'BTC/USD' });
    await trading.place({ account: 1, side: 'buy', qty: '10', price: '100', symbol: 'BTC/USD' });
    await trading.settle();
    const { body: left } = await get('/v2/positions');
    expect((left as { symbol: string }[]).map(({ symbol }) => symbol)).to.deep.equal([
      'AAPL',
      'MSFT',
    ]);
    expectProblem(await get('/v2/positions/BTCUSD'), 404, 40410000);
  });

  it('does not find a position that one does not have', async () => {
    expectProblem(await get('/v2/positions/TSLA'), 404, 40410000);
    expectProblem(await get('/v2/positions/NOPE'), 404, 40410000);
    expectProblem(await get('/v2/positions/ETH/USD'), 404, 40410000);
  });

  it('lists the assets of a class, an exchange or a status', async () => {
    const { body: all } = await get('/v2/assets');
    expect(all).to.have.lengthOf(22);
    for (const asset of all as unknown[]) expectShape(assetSchema, asset);
    const symbols = async (query: string): Promise<string[]> =>
      ((await get(`/v2/assets?${query}`)).body as { symbol: string }[]).map(({ symbol }) => symbol);
    expect(await symbols('asset_class=crypto')).to.deep.equal(['BTC/USD', 'ETH/USD']);
    expect(await symbols('exchange=ARCA')).to.deep.equal(['SPY']);
    expect(await symbols('status=inactive')).to.deep.equal([]);
    expect(await symbols('status=active&asset_class=us_equity')).to.have.lengthOf(20);
  });

  it('shows an asset by symbol, by id, and a pair with or without its slash', async () => {
    const { body: apple } = await get('/v2/assets/AAPL');
    expect(apple).to.include({ class: 'us_equity', exchange: 'NASDAQ', tradable: true });
    expect(apple).not.to.have.property('price_increment');
    for (const name of ['BTC%2FUSD', 'BTC/USD', 'BTCUSD']) {
      const { body } = await get(`/v2/assets/${name}`);
      expect(body, name).to.include({
        class: 'crypto',
        symbol: 'BTC/USD',
        price_increment: '0.01',
      });
    }
    expect((await get(`/v2/assets/${apple.id as string}`)).body).to.deep.equal(apple);
    expectProblem(await get('/v2/assets/NOPE'), 404, 40410000);
    expectProblem(await get('/v2/assets/USD'), 404, 40410000);
  });

  it('tells the time with a numeric offset', async () => {
    const { body } = await get('/v2/clock');
    expectShape(clockSchema, body);
    for (const time of [body.timestamp, body.next_open, body.next_close]) {
      expect(time).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/);
    }
    expect(body.is_open).to.equal(true);
    expect(new Date(body.next_close as string)).to.be.greaterThan(
      new Date(body.timestamp as string),
    );
  });

  it("keeps the exchange's hours when it is told to", async () => {
    const saturday = new Date('2026-11-21T15:00:00Z');
    const nyse = await startApi(trading, {
      settings: { marketHours: 'nyse' },
      now: () => saturday,
    });
    const { body } = await nyse.call('GET', '/v2/clock', { as: trading.accounts[0] });
    expect(body).to.deep.equal({
      timestamp: '2026-11-21T15:00:00.000+00:00',
      is_open: false,
      next_open: '2026-11-23T14:30:00.000+00:00',
      next_close: '2026-11-23T21:00:00.000+00:00',
    });
    await nyse.stop();
  });
});
