import { expect } from 'chai';
import { withLegs, type OrderView } from '../../src/orders/model.js';
import { shares, startTrading, usd, type TestOrder, type Trading } from '../support/trading.js';

describe('brackets, ocos and otos', () => {
  let trading: Trading;

  beforeEach(async () => {
    trading = await startTrading(3);
  });
  afterEach(() => trading.stop());

  const limit = (account: number, side: 'buy' | 'sell', qty: string, price: string) =>
    trading.place({ account, side, qty, price });
  const NO_STOP = { stopPrice: null, limitPrice: null, trailPrice: null, trailPercent: null };
  const bracket = (more: Partial<TestOrder> = {}, legs: TestOrder['more'] = {}) =>
    trading.place({
      account: 0,
      side: 'buy',
      qty: '4',
      price: '150',
      ...more,
      more: {
        orderClass: 'bracket',
        takeProfit: { limitPrice: usd('160') },
        stopLoss: { ...NO_STOP, stopPrice: usd('140') },
        ...legs,
      },
    });
  const oco = (account: number) =>
    trading.place({
      account,
      side: 'sell',
      qty: '4',
      more: {
        type: 'limit',
        orderClass: 'oco',
        takeProfit: { limitPrice: usd('160') },
        stopLoss: { ...NO_STOP, stopPrice: usd('140') },
      },
    });
  const family = async (order: OrderView): Promise<OrderView[]> => {
    const [first] = await withLegs(trading.container.db.knex, [await trading.order(order)]);
    return [first!, ...first!.legs!];
  };
  const statuses = async (order: OrderView) => (await family(order)).map(({ status }) => status);
  const nothingLeft = async () => {
    const { knex } = trading.container.db;
    expect(await knex('parked_orders')).to.have.length(0);
    expect(await trading.cash(0)).to.include({ held: 0n });
    expect(await trading.position(0, 'AAPL')).to.include({ held: 0n });
    expect(await trading.proof()).to.include({ balanced: true, mismatchedBalances: 0 });
  };

  it('show held legs until the entry is filled, then activate both at once', async () => {
    const placed = await bracket();
    expect(placed.legs!.map(({ leg, status }) => `${leg} ${status}`)).to.deep.equal([
      'take_profit held',
      'stop_loss held',
    ]);
    await trading.settle();
    expect(await statuses(placed)).to.deep.equal(['new', 'held', 'held']);
    await limit(1, 'sell', '1', '150');
    await trading.settle();
    expect(await statuses(placed)).to.deep.equal(['partially_filled', 'held', 'held']);
    expect(await trading.position(0, 'AAPL')).to.include({ held: shares('1') });
    await limit(1, 'sell', '3', '150');
    await trading.settle();
    expect(await statuses(placed)).to.deep.equal(['filled', 'new', 'new']);
    expect(await trading.position(0, 'AAPL')).to.include({ held: shares('4') });
    expect(await trading.cash(0)).to.include({ held: 0n });
  });

  it('keep what the entry has brought so far from being sold by another order', async () => {
    const placed = await bracket();
    await limit(1, 'sell', '1', '150');
    await trading.settle();
    await limit(0, 'sell', '1000', '170');
    const more = await limit(0, 'sell', '1', '170').catch((error: unknown) => error);
    expect(more).to.include({ kind: 'forbidden', code: 40310000 });
    await limit(1, 'sell', '3', '150');
    await trading.settle();
    expect(await statuses(placed)).to.deep.equal(['filled', 'new', 'new']);
    expect(await trading.position(0, 'AAPL')).to.include({ held: shares('1004') });
  });

  it('stop the loss at once, and sell once, when the entry is filled beyond it', async () => {
    await limit(1, 'buy', '9', '138');
    await limit(2, 'sell', '4', '139');
    const placed = await bracket();
    await trading.settle();
    const [, profit, loss] = await family(placed);
    expect(profit).to.include({ status: 'canceled', reason: 'group', filledQty: 0n });
    expect(loss).to.include({ status: 'filled', filledQty: shares('4') });
    expect(await trading.position(0, 'AAPL')).to.include({ qty: shares('1000') });
    await nothingLeft();
  });

  it('cancel the stop loss when the profit is taken', async () => {
    const placed = await bracket();
    await limit(1, 'sell', '4', '150');
    await trading.settle();
    await limit(2, 'buy', '1', '160');
    await trading.settle();
    const [, profit, loss] = await family(placed);
    expect(profit).to.include({ status: 'partially_filled' });
    expect(loss).to.include({ status: 'new', qty: shares('3') });
    await limit(2, 'buy', '3', '160');
    await trading.settle();
    expect(await statuses(placed)).to.deep.equal(['filled', 'filled', 'canceled']);
    await nothingLeft();
  });

  it('cancel the take profit when the loss is stopped, which sells only the rest', async () => {
    const placed = await bracket();
    await limit(1, 'sell', '4', '150');
    await trading.settle();
    await limit(2, 'buy', '1', '160');
    await trading.settle();
    await limit(1, 'buy', '10', '139');
    await limit(2, 'sell', '1', '139');
    await trading.settle();
    const [, profit, loss] = await family(placed);
    expect(profit).to.include({ status: 'canceled', filledQty: shares('1') });
    expect(loss).to.include({ status: 'filled', filledQty: shares('3') });
    await nothingLeft();
  });

  it('are cancelled together, whichever of them is cancelled', async () => {
    const waiting = await bracket();
    await trading.settle();
    await trading.container.intake.cancel(waiting.accountId, waiting.legs![1]!.id);
    await trading.settle();
    expect(await statuses(waiting)).to.deep.equal(['canceled', 'canceled', 'canceled']);
    const active = await bracket();
    await limit(1, 'sell', '4', '150');
    await trading.settle();
    await trading.container.intake.cancel(active.accountId, active.legs![0]!.id);
    await trading.settle();
    expect(await statuses(active)).to.deep.equal(['filled', 'canceled', 'canceled']);
    await nothingLeft();
  });

  it('are cancelled quietly when each of them is asked to be', async () => {
    const placed = await bracket();
    await trading.settle();
    await trading.container.intake.cancelAll(placed.accountId);
    await trading.settle();
    expect(await statuses(placed)).to.deep.equal(['canceled', 'canceled', 'canceled']);
    const { knex } = trading.container.db;
    const told = await knex('account_events').whereLike('type', '%cancel%').pluck('type');
    expect(told.sort()).to.deep.equal([
      ...['canceled', 'canceled', 'canceled'],
      ...['pending_cancel', 'pending_cancel', 'pending_cancel'],
    ]);
    await nothingLeft();
  });

  it('take a trailing leg', async () => {
    const placed = await bracket({}, { stopLoss: { ...NO_STOP, trailPrice: usd('5') } });
    await limit(1, 'sell', '4', '150');
    await trading.settle();
    const [, , loss] = await family(placed);
    expect(loss).to.include({ type: 'trailing_stop', status: 'new', hwm: usd('150') });
    await limit(1, 'sell', '1', '158');
    await limit(2, 'buy', '1', '158');
    await limit(2, 'buy', '9', '152');
    await limit(1, 'sell', '1', '152');
    await trading.settle();
    expect(await statuses(placed)).to.deep.equal(['filled', 'canceled', 'filled']);
    await nothingLeft();
  });

  it('hold the shares of a pair once', async () => {
    const placed = await oco(0);
    await trading.settle();
    expect(await statuses(placed)).to.deep.equal(['new', 'new']);
    expect(await trading.position(0, 'AAPL')).to.include({ held: shares('4') });
    await limit(2, 'buy', '4', '160');
    await trading.settle();
    expect(await statuses(placed)).to.deep.equal(['filled', 'canceled']);
    await nothingLeft();
  });

  it('hold the cash of a pair that buys for the dearer of the two', async () => {
    const placed = await trading.place({
      account: 0,
      side: 'buy',
      qty: '2',
      more: {
        type: 'limit',
        orderClass: 'oco',
        takeProfit: { limitPrice: usd('140') },
        stopLoss: { ...NO_STOP, stopPrice: usd('160'), limitPrice: usd('161') },
      },
    });
    expect(await trading.cash(0)).to.include({ held: usd('322') });
    await trading.settle();
    await limit(1, 'sell', '5', '160');
    await limit(2, 'buy', '1', '160');
    await trading.settle();
    expect(await statuses(placed)).to.deep.equal(['canceled', 'filled']);
    await nothingLeft();
  });

  it('of one leg send it when the entry is filled', async () => {
    const placed = await bracket({}, { orderClass: 'oto', takeProfit: null });
    await limit(1, 'sell', '4', '150');
    await trading.settle();
    expect(await statuses(placed)).to.deep.equal(['filled', 'new']);
    expect(await trading.position(0, 'AAPL')).to.include({ held: shares('4') });
    await limit(1, 'buy', '10', '139');
    await limit(2, 'sell', '1', '139');
    await trading.settle();
    expect(await statuses(placed)).to.deep.equal(['filled', 'filled']);
    await nothingLeft();
  });

  it('that begin with a sale hold the cash of their legs from the beginning', async () => {
    const placed = await bracket(
      { side: 'sell' },
      {
        takeProfit: { limitPrice: usd('140') },
        stopLoss: { ...NO_STOP, stopPrice: usd('155'), limitPrice: usd('156') },
      },
    );
    expect(await trading.cash(0)).to.include({ held: usd('624') });
    expect(await trading.position(0, 'AAPL')).to.include({ held: shares('4') });
    await limit(1, 'buy', '4', '150');
    await trading.settle();
    expect(await statuses(placed)).to.deep.equal(['filled', 'new', 'new']);
    await limit(2, 'sell', '4', '140');
    await trading.settle();
    expect(await statuses(placed)).to.deep.equal(['filled', 'filled', 'canceled']);
    await nothingLeft();
  });
});
