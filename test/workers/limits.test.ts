import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import { readConfig } from '../../src/config.js';
import { defaultLimits, LimitBook, type RiskLimits } from '../../src/risk/limits.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';

describe('the limits in force', () => {
  let trading: Trading;
  let book: LimitBook;

  before(async () => {
    trading = await startTrading(2, { MAX_ORDER_QTY: '5000' });
    const { db, config } = trading.container;
    book = new LimitBook(db.knex, defaultLimits(config), () => undefined);
  });
  after(() => trading.stop());
  beforeEach(async () => {
    await trading.container.db.knex('risk_limits').delete();
    await book.refresh();
  });

  const account = (index = 0) => trading.accounts[index]!.account_id;
  const asset = (symbol = 'AAPL') => trading.container.catalog.find(symbol)!.id;
  const set = async (limits: object): Promise<void> => {
    const row = { id: uuidv7(), ...limits };
    await trading.container.db.knex('risk_limits').insert(row);
    await book.refresh();
  };
  const inForce = (): RiskLimits => book.for(account(), asset());

  it('are those of the settings where no row says otherwise', () => {
    expect(inForce()).to.deep.equal({
      maxQty: shares('5000'),
      maxNotional: usd('100000000'),
      collarBps: 5_000,
      maxOpenExposure: null,
      duplicateWindowMs: 0,
      maxOrdersPerSecond: 0,
    });
  });

  it("are the house's, each for itself, before the settings", async () => {
    await set({ collar_bps: 300, max_open_exposure: usd('10').toString() });
    expect(inForce()).to.deep.include({
      collarBps: 300,
      maxOpenExposure: usd('10'),
      maxQty: shares('5000'),
    });
  });

  it("are the account's or the asset's before the house's, also when they allow more", async () => {
    await set({ collar_bps: 300, max_order_qty: shares('10').toString() });
    await set({ account_id: account(), max_order_qty: shares('20').toString() });
    await set({ asset_id: asset('MSFT'), max_order_qty: shares('30').toString() });
    expect(inForce()).to.include({ maxQty: shares('20'), collarBps: 300 });
    expect(book.for(account(1), asset())).to.include({ maxQty: shares('10') });
    expect(book.for(account(1), asset('MSFT'))).to.include({ maxQty: shares('30') });
    expect(book.for(account(), asset('MSFT'))).to.include({ maxQty: shares('20') });
  });

  it("are the strictest of the account's and the asset's, each in its own sense", async () => {
    await set({
      account_id: account(),
      max_order_qty: shares('20').toString(),
      max_order_notional: usd('1').toString(),
      duplicate_window_ms: 100,
      max_orders_per_second: 0,
    });
    await set({
      asset_id: asset(),
      max_order_qty: shares('30').toString(),
      collar_bps: 50,
      duplicate_window_ms: 500,
      max_orders_per_second: 7,
    });
    expect(inForce()).to.deep.equal({
      maxQty: shares('20'),
      maxNotional: usd('1'),
      collarBps: 50,
      maxOpenExposure: null,
      duplicateWindowMs: 500,
      maxOrdersPerSecond: 7,
    });
  });

  it('can be turned off for an account that the house limits', async () => {
    await set({ max_orders_per_second: 5, duplicate_window_ms: 1_000 });
    await set({ account_id: account(), max_orders_per_second: 0, duplicate_window_ms: 0 });
    expect(inForce()).to.include({ maxOrdersPerSecond: 0, duplicateWindowMs: 0 });
    expect(book.for(account(1), asset())).to.include({ maxOrdersPerSecond: 5 });
  });

  it('are one frozen object until the next change', async () => {
    await set({ account_id: account(), collar_bps: 1 });
    await set({ asset_id: asset(), collar_bps: 2 });
    const pairs = [account(), account(1)].flatMap((one) =>
      ['AAPL', 'MSFT'].map((symbol) => [one, asset(symbol)] as const),
    );
    const before = pairs.map((pair) => book.for(...pair));
    expect(before.every((limits) => Object.isFrozen(limits))).to.equal(true);
    await book.refresh();
    pairs.forEach((pair, index) => expect(book.for(...pair)).to.equal(before[index]));
    expect(book.for(account(1), asset('MSFT'))).to.equal(book.for(uuidv7(), asset('BTC/USD')));
  });

  it('follow every kind of change', async () => {
    await set({ id: uuidv7(), account_id: account(), collar_bps: 1 });
    const { knex } = trading.container.db;
    await knex('risk_limits').update({ collar_bps: 2, version: 2 });
    await book.refresh();
    expect(inForce().collarBps).to.equal(2);
    await knex('risk_limits').delete();
    await set({ account_id: account(), collar_bps: 3 });
    expect(inForce().collarBps).to.equal(3);
  });

  it('act in a running process within a second', async () => {
    const { limits, db } = trading.container;
    const row = { id: uuidv7(), account_id: account(), collar_bps: 77 };
    await db.knex('risk_limits').insert(row);
    const started = performance.now();
    while (limits.for(account(), asset()).collarBps !== 77) await sleep(10);
    expect(performance.now() - started).to.be.lessThan(1_000);
  });

  it('come from settings that are checked at the start', () => {
    const env = { DATABASE_URL: 'postgres://x/y', REDIS_URL: 'redis://x' };
    const read = (more: object) => defaultLimits(readConfig({ ...env, ...more }));
    expect(read({ MAX_OPEN_EXPOSURE: '250' })).to.include({ maxOpenExposure: usd('250') });
    expect(read({ MAX_OPEN_EXPOSURE: '' })).to.include({ maxOpenExposure: null });
    for (const [name, value] of [
      ['PRICE_COLLAR_BPS', '0'],
      ['MAX_OPEN_EXPOSURE', '-1'],
      ['DUPLICATE_WINDOW_MS', '60001'],
      ['MAX_ORDERS_PER_SECOND', 'many'],
    ] as const) {
      expect(() => read({ [name]: value })).to.throw(`${name} was`);
    }
  });
});
