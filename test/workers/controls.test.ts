import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import type { DomainError } from '../../src/errors.js';
import {
  NO_CHANGE,
  shares,
  startTrading,
  usd,
  type TestOrder,
  type Trading,
} from '../support/trading.js';

describe('pre-trade controls', () => {
  let trading: Trading;

  beforeEach(async () => {
    trading = await startTrading(3);
  });
  afterEach(() => trading.stop());

  const knex = () => trading.container.db.knex;
  const account = (index: number) => trading.accounts[index]!.account_id;
  const asset = (symbol: string) => trading.container.catalog.find(symbol)!.id;
  const limit = (order: Partial<TestOrder> = {}) =>
    trading.place({ account: 0, side: 'buy', qty: '1', price: '150', ...order });
  /** The refusal; nothing of it may be left. */
  const refused = async (order: Partial<TestOrder> = {}): Promise<DomainError> => {
    const before = await knex()('orders').count('* as count').first();
    const held = (await trading.cash(order.account ?? 0)).held;
    try {
      await limit(order);
    } catch (error) {
      expect(await knex()('orders').count('* as count').first()).to.deep.equal(before);
      expect((await trading.cash(order.account ?? 0)).held).to.equal(held);
      return error as DomainError;
    }
    throw new Error('it was not refused');
  };
  const block = (kind: string, scope: string, target: string | null) =>
    knex()('trading_blocks').insert({ id: uuidv7(), kind, scope, target, reason: 'a test' });
  const setLimits = async (row: object) => {
    await knex()('risk_limits').insert({ id: uuidv7(), ...row });
    await trading.container.limits.refresh();
  };

  it('stop everything while the kill switch is on, at intake and in the pass', async () => {
    const resting = await limit({ account: 1, side: 'sell' });
    await trading.settle();
    const accepted = await limit();
    await block('kill', 'global', null);
    expect(await refused()).to.include({ code: 40310010 });
    await trading.settle();
    expect(await trading.order(accepted)).to.include({
      status: 'rejected',
      reason: 'kill_switch',
      hold: 0n,
    });
    expect(await trading.order(resting)).to.include({ status: 'new', filledQty: 0n });
    await knex()('trading_blocks').delete();
    await limit();
    await trading.settle();
    expect(await trading.order(resting)).to.include({ status: 'filled' });
  });

  it('keep a killed client from trading, also with what rests in the book', async () => {
    const killed = await limit({ account: 1, side: 'sell' });
    const other = await limit({ account: 2, side: 'sell', price: '151' });
    await trading.settle();
    await block('kill', 'account', account(1));
    expect(await refused({ account: 1, side: 'sell' })).to.include({ code: 40310010 });
    const buy = await limit({ price: '151' });
    await trading.settle();
    expect(await trading.order(killed)).to.include({ status: 'canceled', reason: 'kill_switch' });
    expect(await trading.order(other)).to.include({ status: 'filled' });
    expect(await trading.order(buy)).to.include({ status: 'filled', filledValue: usd('151') });
  });

  it('refuse new orders of a restricted client and in a halted instrument', async () => {
    await block('restrict', 'account', account(0));
    expect(await refused()).to.include({ code: 40310011 });
    await block('halt', 'asset', asset('MSFT'));
    const msft = { account: 1, symbol: 'MSFT', price: '410' };
    expect(await refused(msft)).to.include({ code: 40310012 });
    expect((await refused(msft)).details).to.include({ reason: 'instrument_halted' });
  });

  it('refuse a price far from the market on the side that would hurt', async () => {
    const high = await refused({ price: '225.01' });
    expect(high).to.include({ kind: 'invalid', code: 42210010 });
    expect(high.details).to.include({ reference_price: '150', max: '225', value: '225.01' });
    expect(await refused({ side: 'sell', price: '74.99' })).to.include({ code: 42210010 });
    await limit({ price: '0.01' });
    await limit({ side: 'sell', price: '10000' });
  });

  it('reject in the pass what the market has moved away from', async () => {
    await setLimits({ asset_id: asset('AAPL'), collar_bps: 100 });
    const order = await limit({ price: '151' });
    await trading.asOwner(`update market_prices set reference_price = reference_price / 2`);
    await trading.settle();
    expect(await trading.order(order)).to.include({ status: 'rejected', reason: 'price_collar' });
  });

  it('apply the strictest limit of client and instrument, with figures', async () => {
    await setLimits({ account_id: account(0), max_order_qty: String(shares('5')) });
    await setLimits({ asset_id: asset('AAPL'), max_order_notional: String(usd('600')) });
    expect((await refused({ qty: '6' })).details).to.include({ max: '5' });
    expect((await refused({ qty: '5' })).details).to.include({ max_notional: '600' });
    await limit({ qty: '4' });
    await limit({ account: 1, qty: '4' });
    expect((await refused({ account: 1, qty: '5' })).details).to.include({ max_notional: '600' });
  });

  it('bound what open buy orders come to', async () => {
    await setLimits({ account_id: account(0), max_open_exposure: String(usd('300')) });
    await limit({ qty: '2' });
    const refusal = await refused();
    expect(refusal).to.include({ code: 40310015 });
    expect(refusal.details).to.include({ open_exposure: '300', max_open_exposure: '300' });
    await limit({ side: 'sell', price: '160' });
  });

  it('refuse an order like the one before, and too many in a second', async () => {
    await setLimits({ account_id: account(0), duplicate_window_ms: 5_000 });
    await limit();
    expect(await refused()).to.include({ code: 40310016 });
    await limit({ qty: '2' });
    await setLimits({ account_id: account(1), max_orders_per_second: 3 });
    const sent = await Promise.allSettled(
      Array.from({ length: 10 }, (_, n) => limit({ account: 1, price: `${100 + n}` })),
    );
    expect(sent.filter(({ status }) => status === 'fulfilled')).to.have.length(3);
    expect(await refused({ account: 1 })).to.include({ kind: 'rate_limited', code: 42910010 });
  });

  it('count replacements towards the orders of a second, and never keep from cancelling', async () => {
    await setLimits({ account_id: account(0), max_orders_per_second: 3 });
    const first = await limit({ price: '140' });
    await limit({ price: '141' });
    const change = { ...NO_CHANGE, limitPrice: usd('142') };
    const third = await trading.container.intake.replace(account(0), first.id, change, null);
    expect(await refused()).to.include({ code: 42910010 });
    await trading.settle();
    for (const one of await trading.container.intake.cancelAll(account(0)))
      expect(one.refusal).to.equal(null);
    await trading.settle();
    expect(await trading.order(third)).to.include({ status: 'canceled' });
    expect(await trading.cash(0)).to.include({ held: 0n });
  });

  it('refuse an order that would trade with one of its own account', async () => {
    const own = await limit({ side: 'sell', price: '151' });
    await trading.settle();
    const refusal = await refused({ price: '151' });
    expect(refusal).to.include({ code: 40310000 });
    expect(refusal.details).to.include({ reason: 'wash_trade', existing_order_id: own.id });
    await limit({ price: '150' });
    await limit({ account: 1, side: 'sell', price: '150.5' });
    await trading.settle(); // of others there is enough before it
    await limit({ price: '151' });
    await trading.settle();
    expect(await refused({ price: '151' })).to.include({ code: 40310000 });
    await trading.container.intake.cancel(own.accountId, own.id);
    await limit({ price: '151' });
  });

  it('do what the client has chosen for the account', async () => {
    const choose = (choice: object) =>
      knex()('account_configurations')
        .insert({ account_id: account(0), ...choice })
        .onConflict('account_id')
        .merge();
    await choose({ suspend_trade: true });
    expect(await refused()).to.include({ code: 40310013 });
    await choose({ suspend_trade: false, fractional_trading: false });
    expect(await refused({ qty: '0.5' })).to.include({ code: 40310014 });
    await limit();
  });
});

describe('orders by notional', () => {
  it('spend what they say, over several prices, and hold it until then', async () => {
    const trading = await startTrading(3, { FEE_BPS: '10' });
    try {
      await trading.place({ account: 1, side: 'sell', qty: '2', price: '150' });
      await trading.place({ account: 2, side: 'sell', qty: '10', price: '151' });
      const more = { qty: null, notional: usd('1000') };
      const order = await trading.place({ account: 0, side: 'buy', qty: '1', more });
      expect(await trading.cash(0)).to.include({ held: usd('1001') });
      await trading.settle();
      const done = await trading.order(order);
      expect(done).to.include({ status: 'filled', hold: 0n });
      expect(done.filledQty).to.equal(shares('6.635761589'));
      expect(done.filledValue <= usd('1000') && done.filledValue > usd('999.999')).to.equal(true);
      expect(await trading.cash(0)).to.include({ held: 0n });
      const part = await trading.place({
        account: 0,
        side: 'sell',
        qty: '1',
        price: '152',
        more: { qty: null, notional: usd('304') },
      });
      await trading.settle();
      expect(await trading.order(part)).to.include({
        status: 'new',
        qty: shares('2'),
        hold: shares('2'),
      });
      await trading.place({ account: 1, side: 'buy', qty: '10', price: '152' });
      await trading.settle();
      expect(await trading.order(part)).to.include({ filledQty: shares('2'), status: 'filled' });
      expect(await trading.proof()).to.include({ balanced: true, mismatchedBalances: 0 });
    } finally {
      await trading.stop();
    }
  });
});
