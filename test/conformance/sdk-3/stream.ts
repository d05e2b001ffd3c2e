import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { openStream3, type Stream, type Update } from './client.js';
import type { Setting } from './setting.js';

const ACKNOWLEDGED_MS = 300; // it tells nobody that its listen was acknowledged

/** `trade_ws`: what happens to orders. */
export function testStream({ product, alpaca, calls }: Setting): void {
  describe('trade_ws', () => {
    let stream: Stream;
    afterEach(() => stream.disconnect());

    const connected = (): Promise<void> =>
      new Promise((resolve) => stream.onConnect(() => resolve()));

    const expectFill = async (updates: Update[]): Promise<void> => {
      const order = { symbol: 'JPM', qty: 2, side: 'buy', type: 'market', time_in_force: 'day' };
      const { id } = await alpaca().createOrder!(order);
      const mine = () => updates.filter((update) => update.order['id'] === id);
      await eventually(async () => {
        expect(mine().at(-1)?.event).to.equal('fill');
        await Promise.resolve();
      });
      expect(
        mine()
          .map(({ event }) => event)
          .slice(0, 2),
      ).to.deep.equal(['pending_new', 'new']);
      const { price, position_qty: held, order: said } = mine().at(-1)!;
      expect(Number(price)).to.be.greaterThan(0);
      expect(Number(held)).to.be.greaterThan(0);
      expect(said).to.include({ symbol: 'JPM', status: 'filled', filled_qty: '2' });
    };

    it('brings what happens to an order to onOrderUpdate', async () => {
      const updates: Update[] = [];
      const accountUpdates: unknown[] = [];
      stream = openStream3(product(), calls);
      stream.onOrderUpdate((update) => updates.push(update));
      stream.onAccountUpdate((update) => accountUpdates.push(update));
      const opened = connected();
      stream.connect();
      await opened;
      stream.subscribe(['trade_updates', 'account_updates']);
      stream.unsubscribe(['account_updates']);
      expect(stream.subscriptions()).to.deep.equal(['trade_updates']);
      expect(stream.state()).to.equal('connected');
      expect(stream.get('reconnect')).to.equal(true);
      await sleep(ACKNOWLEDGED_MS);
      await expectFill(updates);
      expect(accountUpdates).to.deep.equal([]);
    });

    it('goes on after the connection was lost', async () => {
      const updates: Update[] = [];
      const states: string[] = [];
      let losses = 0;
      stream = openStream3(product(), calls);
      stream.onStateChange((state) => states.push(state));
      stream.onDisconnect(() => (losses += 1));
      stream.onOrderUpdate((update) => updates.push(update));
      const opened = connected();
      stream.connect();
      await opened;
      stream.disconnect();
      await eventually(async () => {
        expect(losses).to.equal(1);
        await Promise.resolve();
      });
      const again = connected();
      stream.reconnect();
      await again;
      stream.send(JSON.stringify({ action: 'listen', data: { streams: ['trade_updates'] } }));
      await sleep(ACKNOWLEDGED_MS);
      expect(states).to.include.members(['authenticating', 'connected', 'disconnected']);
      await expectFill(updates);
    });

    it('says that the key or secret is bad', async () => {
      const errors: string[] = [];
      stream = openStream3(product(), calls, 'wrong');
      stream.onError((error) => errors.push(error));
      stream.connect();
      await eventually(async () => {
        expect(errors).to.deep.equal(['bad key id or secret']);
        await Promise.resolve();
      });
    });
  });
}
