import { createRequire } from 'node:module';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { startProduct, type Product } from '../support/processes.js';

/** What the SDK answers with: it is JavaScript, and declares next to nothing. */
type Json = Record<string, string>;
type Sdk = Record<string, (...args: unknown[]) => Promise<unknown>>;
type SdkConstructor = new (options: { keyId: string; secretKey: string; baseUrl: string }) => Sdk;

const Alpaca = createRequire(import.meta.url)('@alpacahq/alpaca-trade-api') as SdkConstructor;

/**
 * The unmodified SDK of the market leader against the running product: `baseUrl` is all that changes.
 */
describe('@alpacahq/alpaca-trade-api 3.1.3', function () {
  this.timeout(60_000);
  let product: Product;
  let alpaca: Sdk;

  before(async () => {
    product = await startProduct({ env: { RATE_LIMIT_PER_MIN: '0' } });
    const { key_id: keyId, secret_key: secretKey } = product.demo.clients[0]!;
    alpaca = new Alpaca({ keyId, secretKey, baseUrl: product.demo.url });
  });
  after(() => product.stop());

  const limitBuy = (more: object = {}) => ({
    symbol: 'AAPL',
    qty: 2,
    side: 'buy',
    type: 'limit',
    time_in_force: 'day',
    limit_price: 100,
    ...more,
  });

  it('reads the account', async () => {
    const account = (await alpaca.getAccount!()) as Json;
    expect(account).to.include({ status: 'ACTIVE', currency: 'USD', trading_blocked: false });
    expect(Number(account['buying_power'])).to.be.greaterThan(0);
  });

  it('places, gets and finds an order by its client id', async () => {
    const placed = (await alpaca.createOrder!(limitBuy({ client_order_id: 'sdk-1' }))) as Json;
    expect(placed).to.include({
      symbol: 'AAPL',
      qty: '2',
      limit_price: '100',
      client_order_id: 'sdk-1',
    });
    expect(await alpaca.getOrder!(placed['id'])).to.include({ id: placed['id'] });
    expect(await alpaca.getOrderByClientId!('sdk-1')).to.include({ id: placed['id'] });
  });

  it('lists open orders and cancels one', async () => {
    const placed = (await alpaca.createOrder!(limitBuy())) as Json;
    const list = { status: 'open', limit: 10, direction: 'desc' };
    const open = (await alpaca.getOrders!(list)) as Json[];
    expect(open.map(({ id }) => id)).to.include(placed['id']);
    await alpaca.cancelOrder!(placed['id']);
    await eventually(async () => {
      expect(await alpaca.getOrder!(placed['id'])).to.include({ status: 'canceled' });
    });
  });

  it('cancels all orders', async () => {
    await alpaca.createOrder!(limitBuy());
    await alpaca.cancelAllOrders!();
    await eventually(async () => {
      expect(await alpaca.getOrders!({ status: 'open' })).to.have.length(0);
    });
  });

  it('fills a market order and shows the position', async () => {
    const before = Number(((await alpaca.getPosition!('MSFT')) as Json)['qty']);
    const order = (await alpaca.createOrder!({
      symbol: 'MSFT',
      qty: 3,
      side: 'buy',
      type: 'market',
      time_in_force: 'day',
    })) as Json;
    await eventually(async () => {
      expect(await alpaca.getOrder!(order['id'])).to.include({ status: 'filled', filled_qty: '3' });
    });
    expect(await alpaca.getPosition!('MSFT')).to.include({ qty: String(before + 3) });
    const positions = (await alpaca.getPositions!()) as Json[];
    expect(positions.map(({ symbol }) => symbol)).to.include.members(['MSFT', 'BTC/USD']);
  });

  it('reads assets and the clock', async () => {
    const assets = (await alpaca.getAssets!({ status: 'active' })) as Json[];
    expect(assets.map(({ symbol }) => symbol)).to.include.members(['AAPL', 'SPY', 'BTC/USD']);
    expect(await alpaca.getAsset!('AAPL')).to.include({ symbol: 'AAPL', class: 'us_equity' });
    expect(await alpaca.getClock!()).to.have.keys(
      'timestamp',
      'is_open',
      'next_open',
      'next_close',
    );
  });

  it('gets a refusal that its error handling understands', async () => {
    try {
      await alpaca.createOrder!(limitBuy({ qty: 1_000_000 }));
      expect.fail('the order was accepted');
    } catch (error) {
      const { response } = error as { response: { status: number; data: Json } };
      expect(response.status).to.equal(403);
      expect(response.data).to.include({ code: 40310000, message: 'insufficient buying power' });
    }
  });
});
