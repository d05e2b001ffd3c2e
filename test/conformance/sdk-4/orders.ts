import { trading as sdk, ApiError } from 'alpaca-trade-api-4';
import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { GROUPS, SIMPLE_ORDERS } from '../order-kinds.js';
import type { Setting } from './setting.js';

const camel = (name: string): string =>
  name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** As the SDK hands it on: in its own names, and what is null not at all. */
const inCamel = (members: object): object =>
  Object.fromEntries(
    Object.entries(members)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [camel(name), value as unknown]),
  );

/** Every call that concerns orders, and every kind of order. */
export function testOrders({ alpaca }: Setting): void {
  const place = (order: object): Promise<sdk.Order> =>
    alpaca().orders.postOrder({ postOrderRequest: sdk.PostOrderRequestFromJSON(order) });

  const expectOrder = ({ id: orderId }: sdk.Order, becomes: object): Promise<void> =>
    eventually(async () => {
      const order = await alpaca().orders.getOrderByOrderID({ orderId: orderId! });
      expect(order).to.include(inCamel(becomes));
    });

  const limitBuy = (more: object = {}) => ({
    ...{ symbol: 'KO', qty: '2', side: 'buy', type: 'limit', time_in_force: 'day' },
    ...{ limit_price: '40', ...more }, // opens at 65
  });

  describe('orders', () => {
    afterEach(async () => {
      await alpaca().orders.deleteAllOrders();
      await eventually(async () => {
        expect(await alpaca().orders.getAllOrders()).to.have.lengthOf(0);
      });
    });

    for (const { title, order, becomes } of SIMPLE_ORDERS) {
      it(`places ${title}`, async () => {
        await expectOrder(await place(order), becomes);
      });
    }

    for (const { title, order, becomes, legs } of GROUPS) {
      it(`places ${title}, and lists it nested`, async () => {
        const placed = await place(order);
        expect(placed.legs).to.have.lengthOf(legs.length);
        await expectOrder(placed, becomes);
        await eventually(async () => {
          const query = { status: 'all', nested: true, symbols: 'NVDA', limit: 1 } as const;
          const [listed] = await alpaca().orders.getAllOrders(query);
          expect(listed).to.include({ id: placed.id, ...inCamel(becomes) });
          expect(listed!.legs).to.have.lengthOf(legs.length);
          for (const [index, leg] of legs.entries()) {
            expect(listed!.legs![index]).to.include(inCamel(leg));
          }
        });
      });
    }

    it('finds an order by its client id', async () => {
      const placed = await place(limitBuy({ client_order_id: 'sdk 4/1' }));
      expect(placed.createdAt).to.be.instanceOf(Date);
      const clientOrderId = 'sdk 4/1';
      const found = await alpaca().orders.getOrderByClientOrderId({ clientOrderId });
      expect(found).to.include({ id: placed.id, clientOrderId, limitPrice: '40' });
    });

    it('lists orders by all that can be asked for', async () => {
      const before = new Date().toISOString();
      const [first, second] = [
        await place(limitBuy()),
        await place(limitBuy({ symbol: 'BTC/USD', limit_price: '30000', qty: '0.1' })),
      ];
      const list = async (query: sdk.GetAllOrdersRequest): Promise<(string | undefined)[]> =>
        (await alpaca().orders.getAllOrders(query)).map(({ id }) => id);
      const both = [first.id, second.id];
      const since = { after: before, until: new Date(Date.now() + 1_000).toISOString() };
      expect(await list({ status: 'all', direction: 'asc', ...since })).to.deep.equal(both);
      expect(await list({ limit: 1, side: 'buy' })).to.deep.equal([second.id]);
      expect(await list({ symbols: 'KO,JPM', side: 'buy' })).to.deep.equal([first.id]);
      expect(await list({ assetClass: ['crypto'] })).to.deep.equal([second.id]);
      expect(await list({ assetClass: ['us_equity', 'crypto'] })).to.have.lengthOf(2);
      expect(await list({ beforeOrderId: second.id! })).to.deep.equal([first.id]);
      expect(await list({ afterOrderId: first.id! })).to.deep.equal([second.id]);
      const ofBuilders = { symbols: ['KO', 'BTC/USD'], side: 'buy' };
      expect(await alpaca().builders.getAllOrders(ofBuilders)).to.have.lengthOf(2);
    });

    it('replaces an order', async () => {
      const placed = await place(limitBuy());
      await expectOrder(placed, { status: 'new' });
      const successor = await alpaca().orders.patchOrderByOrderId({
        orderId: placed.id!,
        patchOrderRequest: { qty: '3', limitPrice: '41.5', timeInForce: 'gtc' },
      });
      expect(successor).to.include({ replaces: placed.id, qty: '3', limitPrice: '41.5' });
      await expectOrder(placed, { status: 'replaced', replaced_by: successor.id });
      await expectOrder(successor, { status: 'new', time_in_force: 'gtc' });
    });

    it('replaces the trail of a trailing stop', async () => {
      const terms = { side: 'sell', type: 'trailing_stop', limit_price: null };
      const placed = await place(limitBuy({ ...terms, trail_price: '30' }));
      await expectOrder(placed, { status: 'new' });
      const successor = await alpaca().orders.patchOrderByOrderId({
        orderId: placed.id!,
        patchOrderRequest: { trail: '25.5', clientOrderId: 'sdk 4/2' },
      });
      await expectOrder(successor, { trail_price: '25.5', client_order_id: 'sdk 4/2' });
    });

    it('cancels an order, and all of them', async () => {
      const one = await place(limitBuy());
      await alpaca().orders.deleteOrderByOrderID({ orderId: one.id! });
      await expectOrder(one, { status: 'canceled' });
      const other = await place(limitBuy());
      const outcomes = await alpaca().orders.deleteAllOrders();
      expect(outcomes.map(({ id, status }) => [id, status])).to.deep.equal([[other.id, 200]]);
      await expectOrder(other, { status: 'canceled' });
    });

    it('is built by the high-level client', async () => {
      const { builders } = alpaca();
      const buy = { symbol: 'KO', side: 'buy', qty: 1 } as const;
      const sell = { ...buy, side: 'sell' } as const;
      const [takeProfit, stopLoss] = [{ limitPrice: 90 }, { stopPrice: 30 }];
      const filled = { status: 'filled' };
      await expectOrder(await builders.market(buy), filled);
      await expectOrder(await builders.limit({ ...buy, limitPrice: 90 }), filled);
      const open = { status: 'new' };
      await expectOrder(await builders.stop({ ...sell, stopPrice: 30 }), open);
      await expectOrder(await builders.stopLimit({ ...sell, stopPrice: 30, limitPrice: 29 }), open);
      await expectOrder(await builders.trailingStop({ ...sell, trailPercent: 50 }), open);
      await expectOrder(await builders.bracket({ ...buy, takeProfit, stopLoss }), filled);
      await expectOrder(await builders.oco({ ...sell, takeProfit, stopLoss }), open);
      await expectOrder(await builders.oto({ ...buy, stopLoss }), filled);
      const raw = { ...buy, type: 'market', positionIntent: 'buy_to_open' } as const;
      await expectOrder(await builders.submit(raw), filled);
    });

    it('gets refusals that its error handling understands', async () => {
      const refusalOf = async (order: object): Promise<ApiError> => {
        const error: unknown = await place(order).catch((reason: unknown) => reason);
        expect(error).to.be.instanceOf(ApiError);
        return error as ApiError;
      };
      const poor = await refusalOf(limitBuy({ qty: '1000000' }));
      expect(poor).to.include({ name: 'PermissionError', status: 403, code: 40310000 });
      expect(poor.message).to.include('insufficient buying power');
      const bad = await refusalOf(limitBuy({ qty: '-1' }));
      expect(bad).to.include({ name: 'ValidationError', status: 422, code: 42210000 });
    });
  });
}
