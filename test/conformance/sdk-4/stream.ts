import { SubmitAndWaitError, type streaming } from 'alpaca-trade-api-4';
import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { openClient4, streamUrl } from './client.js';
import type { Setting } from './setting.js';

const IMPATIENT_MS = 500;

/** `trade_updates`, and what the SDK builds on it. */
export function testStream({ product, alpaca, calls }: Setting): void {
  let stream: streaming.TradingStream;
  let problems: unknown[];

  const openStream = (): streaming.TradingStream => {
    const opened = alpaca().client.stream({ url: streamUrl(product()) });
    problems = [];
    opened.on('error', (problem: unknown) => problems.push(problem));
    return calls.note('Stream.', opened);
  };
  const market = { symbol: 'JPM', qty: 2, side: 'buy', type: 'market' } as const;
  const far = { ...market, type: 'limit', limitPrice: 120 } as const; // opens at 210

  describe('the stream', () => {
    afterEach(() => stream.disconnect());

    it('brings what happens to an order', async () => {
      const updates: streaming.TradeUpdate[] = [];
      stream = openStream();
      stream.onTradeUpdate((update) => updates.push(update));
      const listening = new Promise((resolve) => stream.on('subscription', resolve));
      stream.subscribeTradeUpdates();
      stream.connect();
      expect(await listening).to.deep.equal(['trade_updates']);
      const { id } = await alpaca().builders.market(market);
      const mine = () => updates.filter(({ order }) => order.id === id);
      await eventually(async () => {
        expect(mine().at(-1)?.event).to.equal('fill');
        await Promise.resolve();
      });
      const first = mine().map(({ event }) => event);
      expect(first.slice(0, 2)).to.deep.equal(['pending_new', 'new']);
      const { price, positionQty, timestamp, order } = mine().at(-1)!;
      expect(Number(price)).to.be.greaterThan(0);
      expect(Number(positionQty)).to.be.greaterThan(0);
      expect(timestamp).to.be.instanceOf(Date);
      expect(order).to.include({ symbol: 'JPM', status: 'filled', filledQty: '2' });
      expect(problems).to.deep.equal([]);
    });

    it('gives up on wrong keys', async () => {
      const { url, clients } = product().demo;
      const stranger = openClient4(url, clients[0]!.key_id, 'wrong');
      stream = stranger.stream({ url: streamUrl(product()) });
      stream.on('error', () => undefined);
      stream.connect();
      const { status } = await stream.waitForAuthenticationResult(5_000);
      expect(status).to.equal('server_rejected');
    });
  });

  describe('submitAndWait', () => {
    beforeEach(async () => {
      stream = openStream();
      stream.connect();
      expect(await stream.waitForAuthentication(5_000)).to.equal(true);
    });
    afterEach(async () => {
      stream.disconnect();
      await alpaca().orders.deleteAllOrders();
    });

    it('waits for the fill', async () => {
      const order = await alpaca().client.submitAndWait(market, { stream });
      expect(order).to.include({ status: 'filled', filledQty: '2', symbol: 'JPM' });
    });

    it('waits for orders that end in another way', async () => {
      const fok = { ...far, timeInForce: 'fok' } as const;
      const order = await alpaca().client.submitAndWait(fok, { stream });
      expect(order).to.include({ status: 'canceled', filledQty: '0' });
    });

    it('sees an order cancelled by somebody else', async () => {
      const waiting = alpaca().client.submitAndWait(
        { ...far, clientOrderId: 'waited-for' },
        { stream },
      );
      await eventually(async () => {
        const found = { clientOrderId: 'waited-for' };
        const { id, status } = await alpaca().orders.getOrderByClientOrderId(found);
        expect(status).to.equal('new');
        await alpaca().orders.deleteOrderByOrderID({ orderId: id! });
      });
      expect(await waiting).to.include({ status: 'canceled' });
    });

    it('says which order it waited for in vain', async () => {
      const options = { stream, timeoutMs: IMPATIENT_MS };
      const failed: unknown = await alpaca()
        .client.submitAndWait(far, options)
        .catch((error: unknown) => error);
      expect(failed).to.be.instanceOf(SubmitAndWaitError);
      expect(failed).to.include({ phase: 'terminal', placementAmbiguous: false });
    });

    it('fails with the refusal of an order that is refused', async () => {
      const failed: unknown = await alpaca()
        .client.submitAndWait({ ...far, qty: 100_000 }, { stream })
        .catch((error: unknown) => error);
      expect(failed).to.include({ status: 403, code: 40310000 });
    });
  });
}
