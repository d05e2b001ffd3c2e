import { expect } from 'chai';
import { SessionWork } from '../../src/orders/session-work.js';
import type { OrderView, TimeInForce } from '../../src/orders/model.js';
import type { OrderChanges } from '../../src/orders/replace-order.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';

const HOUR_MS = 3_600_000;

describe('sessions', () => {
  let trading: Trading;

  afterEach(() => trading.stop());

  const place = (timeInForce: TimeInForce, price?: string, symbol = 'AAPL') =>
    trading.place({
      account: 0,
      side: 'buy',
      qty: '1',
      timeInForce,
      symbol,
      ...(price && { price }),
    });
  const knex = () => trading.container.db.knex;
  const parked = () => knex()('parked_orders').select('waits_for', 'release_at');
  /** The work that time brings, at a time of the test's. */
  const at = async (hours: 'always' | 'nyse', now: Date) => {
    await new SessionWork(knex(), hours).run(now);
    await trading.settle();
  };
  const midnight = () => new Date((Math.floor(Date.now() / (24 * HOUR_MS)) + 1) * 24 * HOUR_MS);

  it('expire day orders at the close, also stops and legs, and nothing else', async () => {
    trading = await startTrading(2);
    const day = await place('day', '100');
    const gtc = await place('gtc', '101');
    const more = { type: 'stop', stopPrice: usd('160') } as const;
    const stop = await trading.place({ account: 0, side: 'buy', qty: '1', more });
    await trading.settle();
    await at('always', new Date());
    expect(await trading.order(day)).to.include({ status: 'new' });
    // What was accepted yesterday is overdue today: the orders are made a day older.
    await trading.asOwner(`update orders set created_at = created_at - interval '1 day'`);
    await at('always', new Date());
    expect(await trading.order(day)).to.include({ status: 'expired', hold: 0n });
    expect(await trading.order(stop)).to.include({ status: 'expired', hold: 0n });
    expect(await trading.order(gtc)).to.include({ status: 'new' });
    expect(await trading.cash(0)).to.include({ held: usd('101') });
    const rows = (await knex()('account_events').where({ type: 'expired' })) as unknown[];
    expect(rows).to.have.length(2);
  });

  it('let orders for the open and the close wait for it, and trade then what they can', async () => {
    trading = await startTrading(2);
    await trading.place({ account: 1, side: 'sell', qty: '1', price: '150', timeInForce: 'gtc' });
    const opg = await place('opg', '151');
    const cls = await place('cls');
    await trading.settle();
    expect(await parked()).to.have.length(2);
    expect(await trading.order(opg)).to.include({ status: 'accepted', hold: usd('151') });
    await at('always', new Date());
    expect(await parked()).to.have.length(2);
    await at('always', midnight());
    expect(await trading.order(opg)).to.include({ status: 'filled' });
    expect(await trading.order(cls)).to.include({ status: 'canceled', reason: 'no_liquidity' });
    expect(await parked()).to.have.length(0);
    expect(await trading.cash(0)).to.include({ held: 0n });
  });

  it('keep the closing price, once', async () => {
    trading = await startTrading(2);
    const close = async () => {
      const { previous_close: price } = (await knex()('market_prices')
        .where({ asset_id: trading.container.catalog.find('AAPL')!.id })
        .first()) as { previous_close: bigint };
      return price;
    };
    await at('always', new Date());
    await trading.place({ account: 1, side: 'sell', qty: '1', price: '155' });
    await place('day', '155');
    await trading.settle();
    await at('always', new Date());
    expect(await close()).to.equal(usd('150'));
    await at('always', midnight());
    expect(await close()).to.equal(usd('155'));
    await trading.place({ account: 1, side: 'sell', qty: '1', price: '156', timeInForce: 'gtc' });
    await place('gtc', '156');
    await at('always', midnight());
    expect(await close()).to.equal(usd('155'));
  });

  it('cancel what waits for a session', async () => {
    trading = await startTrading(2);
    const opg = await place('opg', '151');
    await trading.settle();
    await trading.container.intake.cancel(opg.accountId, opg.id);
    await trading.settle();
    expect(await trading.order(opg)).to.include({ status: 'canceled', hold: 0n });
    expect(await parked()).to.have.length(0);
  });

  it('of the NYSE let day orders wait for the open, end what cannot wait, and trade crypto', async () => {
    trading = await startTrading(2);
    const { executor } = trading.container;
    const saturday = new Date();
    saturday.setUTCDate(saturday.getUTCDate() - saturday.getUTCDay() - 1);
    const closed = trading.otherExecutor({ marketHours: 'nyse', now: () => saturday });
    await trading.place({ account: 1, side: 'sell', qty: '1', price: '150', timeInForce: 'gtc' });
    await trading.settle(executor);
    const day = await place('day', '151');
    const ioc = await place('ioc', '151');
    const sold = { account: 1, side: 'sell', qty: '1', symbol: 'BTC/USD' } as const;
    await trading.place({ ...sold, price: '60000' });
    const coin = await place('gtc', '60000', 'BTC/USD');
    await trading.settle(closed);
    expect(await trading.order(day)).to.include({ status: 'accepted' });
    expect(await trading.order(ioc)).to.include({ status: 'canceled', reason: 'market_closed' });
    expect(await trading.order(coin)).to.include({ status: 'filled' });
    const [{ release_at: open }] = (await parked()) as [{ release_at: Date }];
    expect(open.getTime()).to.be.greaterThan(saturday.getTime());
    expect(open.getUTCDay()).to.be.oneOf([1, 2]); // or a Tuesday, after a holiday
    await new SessionWork(knex(), 'nyse').run(new Date(open.getTime() + 1));
    await trading.settle(closed);
    expect(await trading.order(day)).to.include({ status: 'filled' });
  });

  describe('and replacing orders', () => {
    const closed = () => {
      const saturday = new Date();
      saturday.setUTCDate(saturday.getUTCDate() - saturday.getUTCDay() - 1);
      return trading.otherExecutor({ marketHours: 'nyse', now: () => saturday });
    };
    const changes = {
      qty: null,
      timeInForce: null,
      limitPrice: null,
      stopPrice: null,
      trail: null,
      clientOrderId: null,
    };
    const replace = async (order: OrderView, more: Partial<OrderChanges>) => {
      const { intake } = trading.container;
      return intake.replace(order.accountId, order.id, { ...changes, ...more }, null);
    };

    it('keep the turn of an order that shrinks while the market is closed', async () => {
      trading = await startTrading(3);
      const first = { side: 'buy', qty: '3', price: '150', timeInForce: 'gtc' } as const;
      const old = await trading.place({ account: 0, ...first });
      const second = await trading.place({ account: 1, ...first });
      await trading.settle();
      const smaller = await replace(old, { qty: shares('2') });
      await trading.settle(closed());
      expect(await trading.order(smaller)).to.include({ status: 'new' });
      await trading.place({ account: 2, side: 'sell', qty: '2', price: '150' });
      await trading.settle();
      expect(await trading.order(smaller)).to.include({ status: 'filled' });
      expect(await trading.order(second)).to.include({ status: 'new' });
    });

    it('let one wait for the open that wants more while the market is closed', async () => {
      trading = await startTrading(2);
      const old = await place('gtc', '149');
      await trading.settle();
      await trading.place({ account: 1, side: 'sell', qty: '1', price: '150', timeInForce: 'gtc' });
      await trading.settle();
      const dearer = await replace(old, { limitPrice: usd('150') });
      await trading.settle(closed());
      expect(await trading.order(dearer)).to.include({ status: 'accepted' });
      expect(await parked()).to.have.length(1);
    });

    it('arm a trailing stop again with the best price it had seen, and trade it when open', async () => {
      trading = await startTrading(3);
      const trail = { type: 'trailing_stop', trailPrice: usd('10') } as const;
      const rule = { side: 'sell', qty: '1', timeInForce: 'gtc' } as const;
      const old = await trading.place({ account: 0, ...rule, more: trail });
      await trading.settle();
      const trade = async (price: string) => {
        await trading.place({ account: 1, side: 'sell', qty: '1', price });
        await trading.place({ account: 2, side: 'buy', qty: '1', price });
        await trading.settle();
      };
      await trade('155');
      await trade('150');
      // 155 less 3 is above the last price: reached, but nothing trades before the open.
      const closer = await replace(old, { trail: usd('3') });
      await trading.settle(closed());
      expect(await trading.order(closer)).to.include({ status: 'new', triggeredAt: null });
      const [row] = await knex()('parked_orders').select('hwm', 'rank');
      expect(row).to.deep.equal({ hwm: usd('155'), rank: -usd('152') });
      await trading.place({ account: 2, side: 'buy', qty: '5', price: '149', timeInForce: 'gtc' });
      await trade('151');
      expect(await trading.order(closer)).to.include({ status: 'filled', filledValue: usd('149') });
    });

    it('reject a replacement that comes after the close of a day order', async () => {
      trading = await startTrading(1);
      const day = await place('day', '100');
      await trading.settle();
      await trading.asOwner(`update orders set created_at = created_at - interval '1 day'`);
      const late = await replace(day, { limitPrice: usd('101') });
      await trading.settle();
      expect(await trading.order(late)).to.include({ status: 'rejected', reason: 'session_over' });
      expect(await trading.order(day)).to.include({ status: 'new' });
      await at('always', new Date());
      expect(await trading.order(day)).to.include({ status: 'expired', hold: 0n });
      expect(await trading.cash(0)).to.include({ held: 0n });
    });
  });
});
