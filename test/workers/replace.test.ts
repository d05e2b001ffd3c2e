import { expect } from 'chai';
import type { OrderView } from '../../src/orders/model.js';
import type { PlaceOrder } from '../../src/orders/new-order.js';
import { SessionWork } from '../../src/orders/session-work.js';
import type { OrderChanges } from '../../src/orders/replace-order.js';
import { NO_CHANGE, shares, startTrading, usd, type Trading } from '../support/trading.js';

describe('replacing an order', () => {
  let trading: Trading;

  beforeEach(async () => {
    trading = await startTrading(3);
  });
  afterEach(() => trading.stop());

  const limit = (account: number, side: 'buy' | 'sell', qty: string, price: string) =>
    trading.place({ account, side, qty, price });
  const replace = (
    order: OrderView,
    changes: Partial<OrderChanges>,
    version: number | null = null,
  ) =>
    trading.container.intake.replace(
      order.accountId,
      order.id,
      { ...NO_CHANGE, ...changes },
      version,
    );
  const events = async (order: OrderView): Promise<string[]> => {
    const rows = (await trading.container.db
      .knex('account_events')
      .where({ order_id: order.id })
      .orderBy('event_id')) as { type: string }[];
    return rows.map(({ type }) => type);
  };

  it('puts a new order in its place and moves the hold', async () => {
    const old = await limit(0, 'buy', '4', '140');
    await trading.settle();
    const fresh = await replace(old, { limitPrice: usd('150') });
    expect(fresh).to.include({ replaces: old.id, status: 'accepted', qty: shares('4') });
    expect(await trading.order(old)).to.include({ pending: 'replace' });
    expect(await trading.cash(0)).to.include({ held: usd('600') + 1n });
    await trading.settle();
    expect(await trading.order(old)).to.include({
      status: 'replaced',
      replacedBy: fresh.id,
      hold: 0n,
      pending: null,
    });
    expect(await trading.order(fresh)).to.include({ status: 'new', hold: usd('600') });
    expect(await trading.cash(0)).to.include({ held: usd('600') });
    expect(await events(old)).to.deep.equal(['pending_new', 'new', 'pending_replace', 'replaced']);
    expect(await events(fresh)).to.deep.equal(['new']);
  });

  it('is for what is unfilled when its turn comes', async () => {
    const old = await limit(0, 'buy', '10', '150');
    await limit(1, 'sell', '4', '150');
    await trading.settle();
    const fresh = await replace(old, { qty: shares('8') });
    expect(fresh.qty).to.equal(shares('4'));
    await trading.settle();
    await limit(1, 'sell', '10', '150');
    await trading.settle();
    expect(await trading.order(old)).to.include({ status: 'replaced', filledQty: shares('4') });
    expect(await trading.order(fresh)).to.include({ status: 'filled', filledQty: shares('4') });
    expect(await trading.cash(0)).to.deep.equal({ cash: usd('98800'), held: 0n });
  });

  it('counts a fill that comes first, and is rejected when nothing is left', async () => {
    const old = await limit(0, 'buy', '10', '150');
    await trading.settle();
    await limit(1, 'sell', '4', '150');
    const fresh = await replace(old, { limitPrice: usd('151') });
    await trading.settle();
    expect(await trading.order(fresh)).to.include({ qty: shares('6'), hold: usd('906') });
    await limit(1, 'sell', '6', '151');
    const late = await replace(fresh, { limitPrice: usd('152') });
    await trading.settle();
    expect(await trading.order(fresh)).to.include({ status: 'filled' });
    expect(await trading.order(late)).to.include({ status: 'rejected', hold: 0n });
    expect(await events(fresh)).to.include('order_replace_rejected');
    expect(await trading.cash(0)).to.include({ held: 0n });
  });

  it('keeps its turn when only the quantity shrinks, and loses it otherwise', async () => {
    const first = await limit(0, 'buy', '4', '150');
    const second = await limit(1, 'buy', '4', '150');
    await trading.settle();
    const smaller = await replace(first, { qty: shares('2') });
    await trading.settle();
    await limit(2, 'sell', '2', '150');
    await trading.settle();
    expect(await trading.order(smaller)).to.include({ status: 'filled' });
    const third = await limit(0, 'buy', '4', '150');
    await trading.settle();
    const larger = await replace(second, { qty: shares('5') });
    await trading.settle();
    await limit(2, 'sell', '4', '150');
    await trading.settle();
    expect(await trading.order(third)).to.include({ status: 'filled' });
    expect(await trading.order(larger)).to.include({ status: 'new', qty: shares('5') });
  });

  it('trades at once when the new price crosses', async () => {
    await limit(1, 'sell', '3', '150');
    const old = await limit(0, 'buy', '3', '149');
    await trading.settle();
    const fresh = await replace(old, { limitPrice: usd('151') });
    await trading.settle();
    expect(await trading.order(fresh)).to.include({ status: 'filled', filledValue: usd('450') });
    expect(await trading.proof()).to.include({ balanced: true, mismatchedBalances: 0 });
  });

  it('is refused at another version, and rejected when the order moved on meanwhile', async () => {
    const old = await limit(0, 'buy', '10', '150');
    await trading.settle();
    const { version } = await trading.order(old);
    const wrong = await replace(old, { qty: shares('5') }, version + 1).catch(
      (error: unknown) => error,
    );
    expect(wrong).to.include({ kind: 'conflict', code: 40910000 });
    await limit(1, 'sell', '1', '150');
    const fresh = await replace(old, { qty: shares('5') }, version);
    await trading.settle();
    expect(await trading.order(fresh)).to.include({
      status: 'rejected',
      reason: 'version_conflict',
    });
    expect(await trading.order(old)).to.include({ status: 'partially_filled', pending: null });
  });

  it('is refused when the difference is more than there is', async () => {
    const old = await limit(0, 'buy', '10', '150');
    await trading.settle();
    const refused = await replace(old, { qty: shares('1000') }).catch((error: unknown) => error);
    expect(refused).to.include({ kind: 'forbidden', code: 40310000 });
    expect(await trading.cash(0)).to.include({ held: usd('1500') });
    expect(await trading.order(old)).to.include({ pending: null });
  });

  for (const [how, price] of [
    ['holds less', '130'],
    ['holds more', '141'],
  ] as const) {
    it(`is refused while the order has yet to take another's place (and ${how})`, async () => {
      const old = await limit(0, 'buy', '4', '140');
      await trading.settle();
      const first = await replace(old, { limitPrice: usd(price) });
      const { held } = await trading.cash(0);
      const refused = await replace(first, { limitPrice: usd('140') }).catch(
        (error: unknown) => error,
      );
      expect(refused).to.include({
        kind: 'invalid',
        message: 'order is not replaceable: it has yet to take the place of another',
      });
      expect(await trading.cash(0)).to.include({ held });
      await trading.settle();
      expect(await trading.order(first)).to.include({ status: 'new', pending: null });
      const second = await replace(first, { limitPrice: usd('140') });
      await trading.settle();
      expect(await trading.order(second)).to.include({ status: 'new', hold: usd('560') });
      expect(await trading.cash(0)).to.include({ held: usd('560') });
      expect(await trading.container.db.knex('work_items')).to.have.length(0);
    });
  }

  it('is refused, with the figures, when what is left is worth nothing', async () => {
    const old = await limit(0, 'buy', '1', '150');
    await limit(1, 'sell', '0.999999999', '150');
    await trading.settle();
    const crumb = await replace(old, { limitPrice: usd('149') });
    await trading.settle();
    expect(await trading.order(crumb)).to.include({ status: 'new', qty: 1n });
    const refused = await replace(crumb, { limitPrice: usd('148') }).catch(
      (error: unknown) => error,
    );
    expect(refused).to.deep.include({
      kind: 'invalid',
      message:
        "the order's value (0.000000001 AAPL at 148) is below the smallest amount of 0.0001 USD",
      details: { field: 'qty', value: '0.000000001', notional: '0', min_notional: '0.0001' },
    });
  });

  it('moves a stop, a trail, and the legs of a bracket', async () => {
    const more = { type: 'stop', stopPrice: usd('140') } as const;
    const stop = await trading.place({ account: 0, side: 'sell', qty: '2', more });
    const trail = await trading.place({
      account: 0,
      side: 'sell',
      qty: '2',
      more: { type: 'trailing_stop', trailPrice: usd('5') },
    });
    await trading.settle();
    const [movedStop, movedTrail] = [
      await replace(stop, { stopPrice: usd('145') }),
      await replace(trail, { trail: usd('3') }),
    ];
    await trading.settle();
    expect(await trading.order(movedStop)).to.include({ status: 'new', stopPrice: usd('145') });
    expect(await trading.order(movedTrail)).to.include({ trailPrice: usd('3'), hwm: usd('150') });
    await limit(1, 'buy', '9', '144');
    await limit(2, 'sell', '1', '144');
    await trading.settle();
    expect(await trading.order(movedStop)).to.include({ status: 'filled' });
    expect(await trading.order(movedTrail)).to.include({ status: 'filled' });
    expect(await trading.container.db.knex('parked_orders')).to.have.length(0);
    expect(await trading.position(0, 'AAPL')).to.include({ held: 0n });
  });

  describe('in a group', () => {
    const NO_STOP = { stopPrice: null, limitPrice: null, trailPrice: null, trailPercent: null };
    const group = (side: 'buy' | 'sell', more: Partial<PlaceOrder>) =>
      trading.place({ account: 0, side, qty: '4', more: { type: 'limit', ...more } });

    it('leaves nothing behind when the entry was filled first', async () => {
      const entry = await group('buy', {
        limitPrice: usd('150'),
        orderClass: 'bracket',
        takeProfit: { limitPrice: usd('160') },
        stopLoss: { ...NO_STOP, stopPrice: usd('140') },
      });
      await limit(1, 'sell', '4', '150');
      const late = await replace(entry, { limitPrice: usd('149') });
      await trading.settle();
      expect(await events(late)).to.deep.equal(['rejected']);
      const resting: unknown[] = await trading.container.db.knex('book_orders').pluck('order_id');
      expect(resting).to.deep.equal([entry.legs![0]!.id]);
      expect(await trading.cash(0)).to.include({ held: 0n });
    });

    it('is for no more of a pair than its take-profit has left', async () => {
      const profit = await group('sell', {
        limitPrice: null,
        orderClass: 'oco',
        takeProfit: { limitPrice: usd('156') },
        stopLoss: { ...NO_STOP, stopPrice: usd('140') },
      });
      await trading.settle();
      await limit(1, 'buy', '1', '156');
      const fresh = await replace(profit.legs![0]!, { stopPrice: usd('141') });
      await trading.settle();
      expect(await trading.order(fresh)).to.include({ status: 'new', qty: shares('3') });
      await limit(2, 'buy', '9', '140');
      await limit(1, 'buy', '1', '141');
      await limit(2, 'sell', '1', '141');
      await trading.settle();
      expect(await trading.order(fresh)).to.include({ status: 'filled', qty: shares('3') });
      expect(await trading.position(0, 'AAPL')).to.include({ qty: shares('996'), held: 0n });
    });

    it('is rejected when the second of a pair would buy for more than is held', async () => {
      const profit = await group('buy', {
        limitPrice: null,
        orderClass: 'oco',
        takeProfit: { limitPrice: usd('140') },
        stopLoss: { ...NO_STOP, stopPrice: usd('160'), limitPrice: usd('161') },
      });
      await trading.settle();
      const loss = profit.legs![0]!;
      const dearer = await replace(loss, { limitPrice: usd('170') });
      await trading.settle();
      const rejected = { status: 'rejected', reason: 'insufficient_hold' };
      expect(await trading.order(dearer)).to.include(rejected);
      const cheaper = await replace(loss, { limitPrice: usd('160.5') });
      await trading.settle();
      expect(await trading.order(cheaper)).to.include({ status: 'new', hold: 0n });
      expect(await trading.cash(0)).to.include({ held: usd('644') });
    });
  });

  it('takes over the release of an order that waited for a session', async () => {
    const old = await trading.place({
      account: 0,
      side: 'buy',
      qty: '1',
      price: '149',
      timeInForce: 'opg',
    });
    await limit(1, 'sell', '1', '150');
    await trading.settle();
    const fresh = await replace(old, { limitPrice: usd('150') });
    const work = new SessionWork(trading.container.db.knex, 'always');
    const tomorrow = new Date(Date.now() + 86_400_000);
    await work.run(tomorrow);
    await trading.settle();
    expect(await trading.order(old)).to.include({ status: 'replaced', replacedBy: fresh.id });
    await work.run(tomorrow);
    await trading.settle();
    expect(await trading.order(fresh)).to.include({ status: 'filled' });
    expect(await trading.container.db.knex('work_items')).to.have.length(0);
  });
});
