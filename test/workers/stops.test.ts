import { expect } from 'chai';
import type { OrderView } from '../../src/orders/model.js';
import {
  NO_CHANGE,
  shares,
  startTrading,
  usd,
  type TestOrder,
  type Trading,
} from '../support/trading.js';

describe('stops', () => {
  let trading: Trading;

  beforeEach(async () => {
    trading = await startTrading(4);
  });
  afterEach(() => trading.stop());

  const limit = (account: number, side: 'buy' | 'sell', qty: string, price: string) =>
    trading.place({ account, side, qty, price });
  const stop = (account: number, side: 'buy' | 'sell', qty: string, more: TestOrder['more']) =>
    trading.place({ account, side, qty, more: { type: 'stop', ...more } });
  /** One share changes hands at this price, between two accounts that do nothing else. */
  const tradeAt = async (price: string) => {
    await limit(2, 'sell', '1', price);
    await limit(3, 'buy', '1', price);
  };
  const books = () => trading.container.db.knex('parked_orders');

  it('wait for a trade at their price and then trade at the market', async () => {
    const loss = await stop(0, 'sell', '5', { stopPrice: usd('145') });
    await limit(1, 'buy', '5', '144');
    await trading.settle();
    expect(await trading.order(loss)).to.include({ status: 'new', triggeredAt: null });
    expect(await trading.position(0, 'AAPL')).to.include({ held: shares('5') });

    await tradeAt('145');
    await trading.settle();
    const sold = await trading.order(loss);
    expect(sold).to.include({ status: 'filled', filledValue: usd('720'), hold: 0n });
    expect(sold.triggeredAt).to.be.instanceOf(Date);
    expect(await books()).to.have.length(0);
    expect(await trading.proof()).to.include({ balanced: true, mismatchedBalances: 0 });
  });

  it('are not missed when a batch moves through several prices and back', async () => {
    const orders = await Promise.all(
      ['151', '152', '153'].map((price) => stop(0, 'buy', '1', { stopPrice: usd(price) })),
    );
    const far = await stop(0, 'buy', '1', { stopPrice: usd('160') });
    await trading.settle();
    await limit(1, 'sell', '10', '155');
    await tradeAt('150.5');
    await tradeAt('153');
    await tradeAt('149');
    await trading.settle();
    for (const order of orders) {
      expect(await trading.order(order)).to.include({ status: 'filled', filledValue: usd('155') });
    }
    expect(await trading.order(far)).to.include({ status: 'new', triggeredAt: null });
  });

  it('are triggered by the trades of other stops, nearest first', async () => {
    const first = await stop(0, 'sell', '1', { stopPrice: usd('149') });
    const second = await stop(0, 'sell', '1', { stopPrice: usd('148') });
    const third = await stop(0, 'sell', '1', { stopPrice: usd('140') });
    await trading.settle();
    await limit(1, 'buy', '1', '148');
    await limit(1, 'buy', '1', '147');
    await tradeAt('149');
    await trading.settle();
    expect(await trading.order(first)).to.include({ filledValue: usd('148') });
    expect(await trading.order(second)).to.include({ filledValue: usd('147') });
    expect(await trading.order(third)).to.include({ status: 'new', triggeredAt: null });
  });

  it('are reached at once when the price is there already', async () => {
    await limit(1, 'buy', '5', '149');
    const late = await stop(0, 'sell', '5', { stopPrice: usd('155') });
    await trading.settle();
    expect(await trading.order(late)).to.include({ status: 'filled', filledValue: usd('745') });
  });

  it('trade with what is behind an order that was cancelled a moment before', async () => {
    const first = await limit(1, 'sell', '5', '150');
    await limit(2, 'sell', '5', '150.5');
    await trading.settle();
    await trading.container.intake.cancel(first.accountId, first.id);
    const reached = await stop(0, 'buy', '1', { stopPrice: usd('149') });
    await trading.settle();
    expect(await trading.order(reached)).to.include({ filledValue: usd('150.5') });
  });

  it('with a limit rest in the book behind what rests there already', async () => {
    const more = { type: 'stop_limit', stopPrice: usd('151'), limitPrice: usd('152') } as const;
    const triggered = await stop(0, 'buy', '1', more);
    await trading.settle();
    await limit(1, 'buy', '2', '152');
    await limit(2, 'sell', '1', '151'); // trades at 152
    await trading.settle();
    await limit(2, 'sell', '1', '152');
    await trading.settle();
    expect(await trading.order(triggered)).to.include({ status: 'new', limitPrice: usd('152') });
    await limit(2, 'sell', '1', '152');
    await trading.settle();
    expect(await trading.order(triggered)).to.include({ status: 'filled' });
  });

  it('are cancelled wherever they wait, and hold nothing then', async () => {
    const waiting = await stop(0, 'buy', '2', { stopPrice: usd('155') });
    await trading.settle();
    expect((await trading.cash(0)).held).to.equal(usd('325.5'));
    await trading.container.intake.cancel(waiting.accountId, waiting.id);
    await trading.settle();
    expect(await trading.order(waiting)).to.include({ status: 'canceled', hold: 0n });
    expect((await trading.cash(0)).held).to.equal(0n);
    expect(await books()).to.have.length(0);
  });

  describe('that trail', () => {
    const trailing = (account: number, more: TestOrder['more']) =>
      stop(account, 'sell', '1', { type: 'trailing_stop', ...more });

    it('follow the best price, in the batch and over batches', async () => {
      const byPrice = await trailing(0, { trailPrice: usd('2') });
      const byPercent = await trailing(1, { trailPercent: 20_000 });
      await trading.settle();
      expect(await trading.order(byPrice)).to.include({ hwm: usd('150') });
      await tradeAt('155');
      await trading.settle();
      expect(await trading.order(byPrice)).to.include({ hwm: usd('155'), status: 'new' });
      expect(await trading.order(byPercent)).to.include({ hwm: usd('155') });
      await tradeAt('160');
      await tradeAt('158.01');
      await trading.settle();
      expect(await trading.order(byPrice)).to.include({ hwm: usd('160'), triggeredAt: null });
      await limit(3, 'buy', '2', '156');
      await tradeAt('158');
      await trading.settle();
      expect(await trading.order(byPrice)).to.include({ status: 'filled', hwm: usd('160') });
      // 160 less 2 % is 156.8: the sale of the first at 156 was below it.
      expect(await trading.order(byPercent)).to.include({ status: 'filled', hwm: usd('160') });
    });

    it('see a new high and the fall behind it in one batch', async () => {
      const order = await trailing(0, { trailPrice: usd('1') });
      await trading.settle();
      await limit(1, 'buy', '1', '150');
      await tradeAt('155');
      await tradeAt('154');
      await trading.settle();
      expect(await trading.order(order)).to.include({ status: 'filled', hwm: usd('155') });
    });

    describe('and end without being reached', () => {
      /** Read before those that trail at a distance, which a pass then need not read. */
      const nearer = (side: 'buy' | 'sell' = 'sell') =>
        stop(1, side, '1', { type: 'trailing_stop', trailPrice: usd('15') });
      const distant = (side: 'buy' | 'sell' = 'sell') =>
        stop(0, side, '1', { type: 'trailing_stop', trailPrice: usd('60') });
      const cancel = ({ accountId, id }: OrderView) =>
        trading.container.intake.cancel(accountId, id);

      it('keep the best price that they saw in earlier passes', async () => {
        const order = await distant();
        await trading.settle();
        await tradeAt('155');
        await trading.settle();
        await cancel(order);
        await trading.settle();
        expect(await trading.order(order)).to.include({ status: 'canceled', hwm: usd('155') });
      });

      it('keep the best price until they ended, and not what came later in the pass', async () => {
        await nearer();
        await nearer('buy');
        const seller = await distant();
        const buyer = await distant('buy');
        await trading.settle();
        for (const price of ['155', '145']) await tradeAt(price);
        for (const order of [seller, buyer]) await cancel(order);
        for (const price of ['158', '144']) await tradeAt(price);
        await trading.settle();
        expect(await trading.order(seller)).to.include({ status: 'canceled', hwm: usd('155') });
        expect(await trading.order(buyer)).to.include({ status: 'canceled', hwm: usd('145') });
      });

      it('hand it on to their replacement', async () => {
        await nearer();
        const order = await distant();
        await trading.settle();
        await tradeAt('155');
        const changes = { ...NO_CHANGE, trail: usd('70') };
        const fresh = await trading.container.intake.replace(
          order.accountId,
          order.id,
          changes,
          null,
        );
        await tradeAt('157');
        await trading.settle();
        expect(await trading.order(order)).to.include({ status: 'replaced', hwm: usd('155') });
        expect(await trading.order(fresh)).to.include({ status: 'new', hwm: usd('157') });
      });

      it('keep it when their group ends', async () => {
        await nearer();
        const profit = await trading.place({
          account: 0,
          side: 'sell',
          qty: '2',
          more: {
            type: 'limit',
            orderClass: 'oco',
            takeProfit: { limitPrice: usd('156') },
            stopLoss: {
              stopPrice: null,
              limitPrice: null,
              trailPrice: usd('60'),
              trailPercent: null,
            },
          },
        });
        await trading.settle();
        await tradeAt('155');
        await limit(3, 'buy', '1', '156'); // now the stop is for one share less, and still armed
        await trading.settle();
        const loss = profit.legs![0]!;
        expect(await trading.order(loss)).to.include({ qty: shares('1'), hwm: usd('156') });
        await tradeAt('155.5');
        await limit(3, 'buy', '1', '156');
        await trading.settle();
        expect(await trading.order(loss)).to.include({ reason: 'group', hwm: usd('156') });
        expect(await books()).to.have.length(1);
      });
    });

    it('buy when the price rises from its lowest', async () => {
      const more = { type: 'trailing_stop', trailPrice: usd('3') } as const;
      const order = await stop(0, 'buy', '1', more);
      await trading.settle();
      await tradeAt('140');
      await trading.settle();
      expect(await trading.order(order)).to.include({ hwm: usd('140'), status: 'new' });
      await limit(1, 'sell', '1', '144');
      await tradeAt('143');
      await trading.settle();
      expect(await trading.order(order)).to.include({ status: 'filled', filledValue: usd('144') });
      expect(await trading.proof()).to.include({ balanced: true, mismatchedBalances: 0 });
    });
  });
});
