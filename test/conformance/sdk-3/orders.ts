import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { GROUPS, SIMPLE_ORDERS } from '../order-kinds.js';
import type { Setting } from './setting.js';
import { openSdk3, refusalOf, type Json } from './client.js';

/** Every call that concerns orders, and every kind of order. */
export function testOrders({ alpaca, product, calls }: Setting): void {
  const expectOrder = (id: unknown, becomes: object): Promise<void> =>
    eventually(async () => {
      expect(await alpaca().getOrder!(id)).to.include(becomes);
    });

  const limitBuy = (more: object = {}) => ({
    ...{ symbol: 'KO', qty: 2, side: 'buy', type: 'limit', time_in_force: 'day' },
    ...{ limit_price: 40, ...more }, // opens at 65
  });

  describe('orders', () => {
    afterEach(async () => {
      await alpaca().cancelAllOrders!();
      await eventually(async () => {
        expect(await alpaca().getOrders!({ status: 'open' })).to.have.lengthOf(0);
      });
    });

    for (const { title, order, becomes } of SIMPLE_ORDERS) {
      it(`places ${title}`, async () => {
        const { id } = await alpaca().createOrder!(order);
        await expectOrder(id, becomes);
      });
    }

    for (const { title, order, becomes, legs } of GROUPS) {
      it(`places ${title}, and lists it nested`, async () => {
        const placed = await alpaca().createOrder!(order);
        expect(placed['legs']).to.have.lengthOf(legs.length);
        await expectOrder(placed['id'], becomes);
        await eventually(async () => {
          const query = { status: 'all', nested: true, symbols: 'NVDA', limit: 1 };
          const [listed] = (await alpaca().getOrders!(query)) as Json[];
          expect(listed).to.include({ id: placed['id'], ...becomes });
          const shown = listed!['legs'] as Json[];
          expect(shown).to.have.lengthOf(legs.length);
          for (const [index, leg] of legs.entries()) expect(shown[index]).to.include(leg);
        });
      });
    }

    it('finds an order by its client id', async () => {
      const placed = await alpaca().createOrder!(limitBuy({ client_order_id: 'sdk 3/1' }));
      expect(placed).to.include({ client_order_id: 'sdk 3/1', limit_price: '40' });
      const found = await alpaca().getOrderByClientId!('sdk 3/1');
      expect(found).to.include({ id: placed['id'] });
    });

    it('lists orders by all that can be asked for', async () => {
      const before = new Date().toISOString();
      const first = await alpaca().createOrder!(limitBuy());
      const second = await alpaca().createOrder!(limitBuy({ symbol: 'DIS' }));
      const list = async (query: object): Promise<string[]> => {
        const orders = (await alpaca().getOrders!(query)) as unknown as Json[];
        return orders.map(({ id }) => id as string);
      };
      const both = [first['id'], second['id']];
      const since = { after: before, until: new Date(Date.now() + 1_000).toISOString() };
      expect(await list({ status: 'all', direction: 'asc', ...since })).to.deep.equal(both);
      expect(await list({ status: 'open', direction: 'desc', limit: 1 })).to.deep.equal([both[1]]);
      expect(await list({ status: 'open', symbols: 'KO,JPM' })).to.deep.equal([both[0]]);
      expect(await list({ status: 'closed', ...since })).to.deep.equal([]);
    });

    it('replaces an order', async () => {
      const placed = await alpaca().createOrder!(limitBuy());
      await expectOrder(placed['id'], { status: 'new' });
      const changes = { qty: 3, limit_price: 41.5, time_in_force: 'gtc' };
      const successor = await alpaca().replaceOrder!(placed['id'], changes);
      expect(successor).to.include({ replaces: placed['id'], qty: '3', limit_price: '41.5' });
      await expectOrder(placed['id'], { status: 'replaced', replaced_by: successor['id'] });
      await expectOrder(successor['id'], { status: 'new', time_in_force: 'gtc' });
    });

    it('replaces the trail of a trailing stop', async () => {
      const stop = { symbol: 'KO', qty: 1, side: 'sell', type: 'trailing_stop' };
      const terms = { trail_percent: 50, time_in_force: 'gtc' };
      const placed = await alpaca().createOrder!({ ...stop, ...terms });
      await expectOrder(placed['id'], { status: 'new' });
      const successor = await alpaca().replaceOrder!(placed['id'], { trail: 60 });
      await expectOrder(successor['id'], { status: 'new', trail_percent: '60' });
    });

    it('cancels an order, and all of them', async () => {
      const one = await alpaca().createOrder!(limitBuy());
      await alpaca().cancelOrder!(one['id']);
      await expectOrder(one['id'], { status: 'canceled' });
      const other = await alpaca().createOrder!(limitBuy());
      const outcomes = (await alpaca().cancelAllOrders!()) as Json[];
      expect(outcomes.map(({ id, status }) => [id, status])).to.deep.equal([[other['id'], 200]]);
      await expectOrder(other['id'], { status: 'canceled' });
    });

    it('gets refusals that its error handling understands', async () => {
      const poor = await refusalOf(alpaca().createOrder!(limitBuy({ qty: 1_000_000 })));
      expect(poor.status).to.equal(403);
      expect(poor.data).to.include({ code: 40310000, message: 'insufficient buying power' });
      const bad = await refusalOf(alpaca().createOrder!(limitBuy({ qty: -1 })));
      expect(bad.status).to.equal(422);
      expect(bad.data).to.include({ code: 42210000, field: 'qty' });
      const missing = await refusalOf(alpaca().getOrder!('01a20620-4595-7000-8000-01cbc1683136'));
      expect(missing.status).to.equal(404);
      const stranger = openSdk3(product(), calls, 'wrong');
      expect((await refusalOf(stranger.getAccount!())).status).to.equal(401);
    });
  });
}
