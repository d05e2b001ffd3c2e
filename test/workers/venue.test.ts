import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import { cancelKilled } from '../../src/risk/kill-switch.js';
import { SessionWork } from '../../src/orders/session-work.js';
import { closeRoute } from '../../src/venue/close-route.js';
import { systemActor } from '../../src/audit/record.js';
import { expectBooksInOrder } from '../support/books-in-order.js';
import { expectClosed, expectSettled } from '../support/nothing-wrong.js';
import {
  NO_CHANGE,
  shares,
  startTrading,
  usd,
  type TestOrder,
  type Trading,
} from '../support/trading.js';
import { receive, routeOf, routeToVenue, say, VenueSide, type RouteRow } from '../support/venue.js';

const BUYS = { symbol: 'AAPL', side: 'buy' } as const;
const SELLS = { symbol: 'AAPL', side: 'sell' } as const;

/** Each with a buyer of its own. */
const TESTS = 30;

describe('the external venue', () => {
  let trading: Trading;

  /** Who buys in a test: somebody new in each. */
  let buyer = 0;

  before(async () => {
    trading = await startTrading(TESTS + 2, { FEE_BPS: '10' });
    await routeToVenue(trading, 'AAPL');
  });
  after(() => trading.stop());
  beforeEach(() => {
    buyer += 1;
  });
  afterEach(async () => {
    await expectSettled(knex());
    await expectBooksInOrder(knex(), [], 1_000);
    await cleanUp();
    await expectClosed(knex());
  });

  const knex = () => trading.container.db.knex;
  const routed = async (order: Partial<TestOrder> = {}) => {
    const placed = await trading.place({ account: buyer, side: 'buy', qty: '10', ...order });
    await trading.settle();
    const route = await routeOf(trading, placed);
    return { placed, route, venue: new VenueSide(route, { ...BUYS, side: placed.side }) };
  };
  const cancel = async ({ id, accountId }: { id: string; accountId: string }) => {
    await trading.container.intake.cancel(accountId, id);
    await trading.settle();
  };
  /** Everything comes to an end, and the next test finds the price that there was at first. */
  const cleanUp = async (): Promise<void> => {
    const open = knex()('orders')
      .whereNull('closed_at')
      .whereNot('status', 'held')
      .select<{ id: string; account_id: string }[]>();
    for (const { id, account_id } of await open) await cancel({ id, accountId: account_id });
    const routes = await knex()('venue_routes').where({ status: 'open' }).select<RouteRow[]>();
    for (const route of routes) {
      await say(trading, new VenueSide(route, { ...BUYS, side: route.side }).done());
    }
    await knex()('market_prices').update({ last_price: null });
    // Intake knows prices by its catalog: one load that had begun before, and one that has not.
    for (let load = 0; load < 2; load += 1) await trading.container.catalog.refresh();
  };
  const routesOf = ({ id }: { id: string }) =>
    knex()('venue_routes').where({ order_id: id }).select<RouteRow[]>();
  const closes = async (id: string, now: Date) => {
    const by = { by: systemActor('test'), reason: 'no answer' };
    await knex().transaction((trx) => closeRoute(trx, id, by, now));
    await trading.settle();
  };
  const later = () => new Date(Date.now() + 3_600_000);

  it('gets the rest of a market order, and what it trades is booked', async () => {
    await trading.place({ account: 0, side: 'sell', qty: '3', price: '151' });
    const { placed, route, venue } = await routed();
    expect(route).to.include({ status: 'open', qty: shares('7') });
    expect(await trading.order(placed)).to.include({
      status: 'partially_filled',
      filledQty: shares('3'),
    });
    await say(trading, venue.fill('150.10', '4'), venue.fill('149.90', '3'), venue.done());

    const order = await trading.order(placed);
    expect(order).to.include({ status: 'filled', filledQty: shares('10'), hold: 0n });
    expect(order.filledValue).to.equal(usd('453') + usd('600.4') + usd('449.7'));
    expect(await routeOf(trading, placed)).to.include({ status: 'done', filled_qty: shares('7') });
    const paid = order.filledValue + order.fees;
    expect(await trading.cash(buyer)).to.deep.equal({ cash: usd('100000') - paid, held: 0n });
    expect(await trading.position(buyer, 'AAPL')).to.include({ qty: shares('1010'), held: 0n });
    expect(await trading.proof()).to.include({ balanced: true });
    const last = await knex()('market_prices as m')
      .join('assets as a', 'a.id', 'm.asset_id')
      .where('a.symbol', 'AAPL')
      .first<{ last_price: bigint }>('last_price');
    expect(last.last_price).to.equal(usd('149.9'));
  });

  it('gets no worse price than the edge of the price band', async () => {
    const { id } = trading.container.catalog.find('AAPL')!;
    await knex()('assets').where({ id }).update({ band_bps: 100 });
    const [reference, lower, upper] = [usd('150'), usd('148.5'), usd('151.5')];
    const times = { moved_at: new Date(), counts_from: new Date() };
    await knex()('price_bands').insert({ asset_id: id, reference, lower, upper, ...times });
    try {
      const { route, venue } = await routed();
      expect(route).to.include({ status: 'open', limit_price: upper });
      await say(trading, venue.fill('151.50', '10'), venue.done());
      const beyond = await trading.place({ account: buyer, side: 'buy', qty: '1', price: '152' });
      await trading.settle();
      expect(await trading.order(beyond)).to.include({ status: 'canceled', reason: 'price_band' });
      expect(await routesOf(beyond)).to.have.length(0);
    } finally {
      await knex()('price_bands').delete();
      await knex()('assets').where({ id }).update({ band_bps: null });
    }
  });

  it('leaves everything where it was for assets that are not routed', async () => {
    const placed = await trading.place({ account: buyer, symbol: 'MSFT', side: 'buy', qty: '1' });
    await trading.settle();
    expect(await trading.order(placed)).to.include({ status: 'canceled', reason: 'no_liquidity' });
    expect(await routesOf(placed)).to.have.length(0);
  });

  for (const [what, order, reason] of [
    ['a market order', {}, 'no_liquidity'],
    ['an ioc limit', { price: '151', timeInForce: 'ioc' }, 'ioc_rest'],
  ] as const) {
    it(`gives back the rest of ${what}, which ends`, async () => {
      const { placed, venue } = await routed(order);
      await say(trading, venue.fill('150', '4'), venue.done());
      expect(await trading.order(placed)).to.include({
        status: 'canceled',
        reason,
        filledQty: shares('4'),
      });
      expect(await trading.cash(buyer)).to.include({ held: 0n });
    });
  }

  it('gives back the rest of a limit, which meets the book and rests', async () => {
    const { placed, venue } = await routed({ price: '151' });
    await trading.place({ account: 0, side: 'sell', qty: '2', price: '150.50' });
    await trading.settle(); // it rests: its price is worse than the asset's
    await say(trading, venue.rejected());
    expect(await trading.order(placed)).to.include({
      status: 'partially_filled',
      filledQty: shares('2'),
    });
    expect(await knex()('book_orders').pluck('order_id')).to.deep.equal([placed.id]);
    expect(await routesOf(placed)).to.have.length(1);
    await cancel(placed);
  });

  it('gets a triggered stop, and an order by notional as a quantity', async () => {
    const stop = await trading.place({
      account: 0,
      side: 'sell',
      qty: '5',
      more: { type: 'stop', stopPrice: usd('140') },
    });
    const by = { type: 'market', notional: usd('1000'), qty: null } as const;
    const { placed, route, venue } = await routed({ qty: '1', more: by });
    expect(route.qty).to.equal((await trading.order(placed)).qty);
    await say(trading, venue.fill('140', '3'), venue.done());
    expect(await trading.order(placed)).to.include({ status: 'canceled', filledQty: shares('3') });
    const sold = new VenueSide(await routeOf(trading, stop), SELLS);
    await say(trading, sold.fill('139', '5'), sold.done());
    expect(await trading.order(stop)).to.include({ status: 'filled' });
  });

  it('does not get fok orders, orders that belong together, or limits that only rest', async () => {
    const bid = { account: buyer, side: 'buy', qty: '5', price: '151' } as const;
    const fok = await trading.place({ ...bid, timeInForce: 'fok' });
    const bracket = await trading.place({
      ...bid,
      more: {
        orderClass: 'bracket',
        takeProfit: { limitPrice: usd('160') },
        stopLoss: {
          stopPrice: usd('140'),
          limitPrice: null,
          trailPrice: null,
          trailPercent: null,
        },
      },
    });
    const own = await trading.place({ ...bid, side: 'sell', price: '152', account: buyer + 1 });
    await trading.settle();
    for (const order of [fok, bracket, own]) expect(await routesOf(order)).to.have.length(0);
  });

  it('takes each report once, in its turn, however often and in whatever order it comes', async () => {
    const { placed, venue } = await routed();
    const [first, second, third] = [venue.fill('150', '2'), venue.fill('149', '3'), venue.done()];
    await say(trading, third, second);
    expect(await trading.order(placed)).to.include({ status: 'new', filledQty: 0n });
    await Promise.all([first, first, first, second].map((one) => receive(trading, one)));
    await trading.settle();
    await say(trading, first, second, third);
    expect(await trading.order(placed)).to.include({ status: 'canceled', filledQty: shares('5') });
    expect(await knex()('executions').where({ taker_order_id: placed.id })).to.have.length(2);
    expect(await routeOf(trading, placed)).to.include({ status: 'done', disputed: false });
  });

  it('heals work that got lost when a report comes again', async () => {
    const { placed, venue } = await routed();
    const fill = venue.fill('150', '10');
    await receive(trading, fill);
    await knex()('work_items').where({ kind: 'venue' }).delete();
    await say(trading, fill);
    expect(await trading.order(placed)).to.include({ status: 'filled' });
    await say(trading, venue.done());
    expect(await routeOf(trading, placed)).to.include({ status: 'done', disputed: false });
  });

  describe('that contradicts itself or us', () => {
    const disputes = async (
      placed: { id: string; accountId: string },
      filled: string,
    ): Promise<void> => {
      expect(await trading.order(placed)).to.include({ filledQty: shares(filled) });
      expect(await routeOf(trading, placed)).to.include({ disputed: true });
    };

    it('books no trade that is worse than the limit', async () => {
      const { placed, venue } = await routed({ price: '151' });
      await say(trading, venue.fill('151.01', '10'), venue.done());
      await disputes(placed, '0');
    });

    it('books no more than was routed', async () => {
      const { placed, venue } = await routed();
      await say(trading, venue.fill('150', '6'), venue.fill('150', '5'), venue.done());
      await disputes(placed, '6');
      expect(await trading.order(placed)).to.include({ status: 'canceled', hold: 0n });
    });

    it('books no execution a second time under another report', async () => {
      const { placed, venue } = await routed();
      const fill = venue.fill('150', '2');
      await say(trading, fill, { ...fill, id: uuidv7(), sequence: 2 });
      await disputes(placed, '2');
      await say(trading, { ...venue.done(), sequence: 2, total_qty: '2' });
      expect(await trading.order(placed)).to.include({ status: 'canceled' });
    });

    it('is believed the first of two reports in one place, and the audit log has the other', async () => {
      const { placed, venue } = await routed();
      const fill = venue.fill('150', '2');
      await say(trading, fill, { ...fill, id: uuidv7(), execution_id: uuidv7(), qty: '3' });
      await disputes(placed, '2');
      await say(trading, venue.done());
      const entries = await knex()('audit_entries').pluck<{ action: string }[]>('content');
      expect(JSON.stringify(entries)).to.contain('venue.contradiction');
    });

    it('changes nothing with what is no report, or is about no route', async () => {
      const { placed, venue } = await routed();
      const fill = venue.fill('150', '2');
      await say(trading, { ...fill, route: uuidv7() }, { ...fill, qty: 'two' }, null, 'fill');
      expect(await routeOf(trading, placed)).to.include({ applied_sequence: 0, disputed: false });
      await say(trading, fill, venue.done());
    });
  });

  describe('asked to give an order back', () => {
    it('keeps it open until it has answered, and what it traded before stands', async () => {
      const { placed, venue } = await routed();
      await cancel(placed);
      expect(await trading.order(placed)).to.include({ status: 'new', pending: 'cancel' });
      expect(await trading.cash(buyer)).not.to.include({ held: 0n });
      await trading.container.intake.cancel(placed.accountId, placed.id); // no fault, and no new work
      expect(await knex()('work_items')).to.have.length(0);
      await say(trading, venue.fill('150', '4'), venue.done());
      expect(await trading.order(placed)).to.include({
        status: 'canceled',
        reason: 'requested',
        filledQty: shares('4'),
        pending: null,
      });
    });

    it('may have traded all of it', async () => {
      const { placed, venue } = await routed();
      await cancel(placed);
      await say(trading, venue.fill('150', '10'), venue.done());
      expect(await trading.order(placed)).to.include({ status: 'filled', hold: 0n });
    });

    it('ends a limit that would have come to the book', async () => {
      const { placed, venue } = await routed({ price: '151', timeInForce: 'gtc' });
      await cancel(placed);
      await say(trading, venue.done());
      expect(await trading.order(placed)).to.include({ status: 'canceled' });
    });

    it('is asked once by a kill switch, and the order ends by it', async () => {
      const { placed, venue } = await routed();
      const { accountId } = placed;
      const block = { id: uuidv7(), kind: 'kill', scope: 'account', target: accountId };
      await knex()('trading_blocks').insert({ ...block, reason: 'test' });
      expect(await cancelKilled(knex(), () => undefined)).to.equal(1);
      await trading.settle();
      expect(await cancelKilled(knex(), () => undefined)).to.equal(0);
      await say(trading, venue.fill('150', '1'), venue.done());
      expect(await trading.order(placed)).to.include({ status: 'canceled', reason: 'kill_switch' });
    });

    it('is asked at the end of the session', async () => {
      const { placed, venue } = await routed({ price: '151' });
      const tomorrow = new Date(Date.now() + 86_400_000);
      await new SessionWork(knex(), 'always').run(tomorrow);
      await trading.settle(trading.otherExecutor({ now: () => tomorrow }));
      expect(await routeOf(trading, placed)).to.include({ status: 'open', ends_as: 'expired' });
      await say(trading, venue.fill('150', '1'), venue.done());
      expect(await trading.order(placed)).to.include({ status: 'expired', reason: null });
    });
  });

  it('keeps an order from being replaced', async () => {
    const { placed, venue } = await routed({ price: '151' });
    const { intake } = trading.container;
    const changes = { ...NO_CHANGE, qty: shares('3') };
    const refused = await intake.replace(placed.accountId, placed.id, changes, null).then(
      () => null,
      (error: unknown) => (error as Error).message,
    );
    expect(refused).to.match(/at the external venue/);
    await say(trading, venue.done());
    await intake.replace(placed.accountId, placed.id, changes, null);
    await trading.settle();
    expect(await trading.order(placed)).to.include({ status: 'replaced' });
  });

  it('takes the order away from a replacement that comes at the same time', async () => {
    const placed = await trading.place({ account: buyer, side: 'buy', qty: '10', price: '151' });
    const changes = { ...NO_CHANGE, qty: shares('3') };
    const { intake } = trading.container;
    const next = await intake.replace(placed.accountId, placed.id, changes, null);
    await trading.settle();
    expect(await trading.order(next)).to.include({
      status: 'rejected',
      reason: 'order is at the external venue',
    });
    const venue = new VenueSide(await routeOf(trading, placed), BUYS);
    await say(trading, venue.fill('150', '10'), venue.done());
  });

  it('that never answers is given up by staff, and what it says later is not booked', async () => {
    const { placed, venue } = await routed();
    const { id } = await routeOf(trading, placed);
    const early = await closes(id, new Date()).then(
      () => null,
      (error: unknown) => (error as Error).message,
    );
    expect(early).to.match(/may still answer/);
    await closes(id, later());
    expect(await trading.order(placed)).to.include({ status: 'canceled', reason: 'no_liquidity' });
    expect(await trading.cash(buyer)).to.deep.equal({ cash: usd('100000'), held: 0n });
    expect(await routeOf(trading, placed)).to.include({ status: 'closed', reason: 'no answer' });
    await say(trading, venue.fill('150', '10'), venue.done());
    expect(await routeOf(trading, placed)).to.include({ status: 'closed', disputed: true });
    expect(await trading.order(placed)).to.include({ filledQty: 0n });
  });

  it('answers too late for the session: a gtc limit waits for the next one', async () => {
    const { placed, venue } = await routed({ price: '151', timeInForce: 'gtc' });
    await receive(trading, venue.fill('150', '4'));
    await receive(trading, venue.done());
    const closed = new Date('2026-11-28T12:00:00Z'); // a Saturday
    const night = trading.otherExecutor({ marketHours: 'nyse', now: () => closed });
    await trading.settle(night);
    expect(await trading.order(placed)).to.include({ status: 'accepted', filledQty: shares('4') });
    expect(await knex()('parked_orders').pluck('waits_for')).to.deep.equal(['session']);
    const monday = new Date('2026-11-30T15:00:00Z');
    await new SessionWork(knex(), 'nyse').run(monday);
    await trading.settle(trading.otherExecutor({ marketHours: 'nyse', now: () => monday }));
    expect(await trading.order(placed)).to.include({ status: 'partially_filled' });
    expect(await routeOf(trading, placed)).to.include({ status: 'open', qty: shares('6') });
    const again = new VenueSide(await routeOf(trading, placed), BUYS);
    await say(trading, again.done());
  });
});
