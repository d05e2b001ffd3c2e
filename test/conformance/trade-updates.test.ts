import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startApi, type Api } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { startTrading, type Trading } from '../support/trading.js';

/** What both SDKs hand on, in as much as it is the same. */
interface Update {
  event: string;
  price?: string | number | null;
  order: { id: string; symbol: string; status: string };
}

/** Of SDK 3.1.3, which is JavaScript and declares next to nothing. */
interface StreamOfSdk3 {
  connect(): void;
  disconnect(): void;
  subscribe(streams: string[]): void;
  onConnect(listener: () => void): void;
  onOrderUpdate(listener: (update: Update) => void): void;
  onStateChange(listener: (state: string) => void): void;
  onError(listener: (error: string) => void): void;
}
interface StreamOfSdk4 {
  connect(): void;
  disconnect(): void;
  subscribeTradeUpdates(): void;
  onTradeUpdate(listener: (update: Update) => void): void;
  on(event: string, listener: (value: unknown) => void): void;
  waitForAuthenticationResult(timeoutMs: number): Promise<{ status: string }>;
}

const require = createRequire(import.meta.url);
const Sdk3 = require('@alpacahq/alpaca-trade-api') as new (options: object) => {
  trade_ws: StreamOfSdk3;
};
const { streaming } = require('alpaca-trade-api-4') as {
  streaming: { TradingStream: new (options: object) => StreamOfSdk4 };
};

describe("trade_updates in Alpaca's unmodified SDKs", () => {
  let trading: Trading;
  let api: Api;
  let disconnect: () => void = () => undefined;

  before(async () => {
    trading = await startTrading(2);
    api = await startApi(trading);
  });
  afterEach(() => disconnect());
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  /** Trades, and waits for the fill to arrive. */
  async function expectFill(updates: Update[]): Promise<void> {
    await trading.place({ account: 1, side: 'sell', qty: '2', price: '150' });
    const order = await trading.place({ account: 0, side: 'buy', qty: '2', price: '151' });
    await trading.settle();
    await eventually(async () => {
      expect(updates.map(({ event }) => event)).to.include('fill');
      await Promise.resolve();
    });
    const fill = updates.find(({ event }) => event === 'fill')!;
    expect(fill.order).to.include({ id: order.id, symbol: 'AAPL', status: 'filled' });
    expect(Number(fill.price)).to.equal(150);
  }

  describe('3.1.3', () => {
    const streamWith = (secretKey: string): StreamOfSdk3 => {
      const { key_id: keyId } = trading.accounts[0]!;
      const { trade_ws: stream } = new Sdk3({ keyId, secretKey, baseUrl: api.url });
      disconnect = () => stream.disconnect();
      return stream;
    };

    it('brings a fill to onOrderUpdate', async () => {
      const updates: Update[] = [];
      const stream = streamWith(trading.accounts[0]!.secret_key);
      stream.onOrderUpdate((update) => updates.push(update));
      const listening = new Promise<void>((resolve) => {
        stream.onConnect(() => {
          stream.subscribe(['trade_updates', 'account_updates']);
          resolve();
        });
      });
      stream.connect();
      await listening;
      await sleep(300); // it tells nobody that its listen was acknowledged
      await expectFill(updates);
    });

    it('says that the key or secret is bad', async () => {
      const errors: string[] = [];
      const stream = streamWith('wrong');
      stream.onError((error) => errors.push(error));
      stream.connect();
      await eventually(async () => {
        expect(errors).to.deep.equal(['bad key id or secret']);
        await Promise.resolve();
      });
    });
  });

  describe('4.0.2', () => {
    const streamWith = (secret: string): StreamOfSdk4 => {
      const stream = new streaming.TradingStream({
        credentials: { keyId: trading.accounts[0]!.key_id, secret },
        url: `${api.url.replace(/^http/, 'ws')}/stream`,
      });
      disconnect = () => stream.disconnect();
      return stream;
    };

    it('brings a fill to onTradeUpdate', async () => {
      const updates: Update[] = [];
      const problems: unknown[] = [];
      const stream = streamWith(trading.accounts[0]!.secret_key);
      stream.onTradeUpdate((update) => updates.push(update));
      stream.on('error', (problem) => problems.push(problem));
      const listening = new Promise((resolve) => stream.on('subscription', resolve));
      stream.subscribeTradeUpdates();
      stream.connect();
      expect(await listening).to.deep.equal(['trade_updates']);
      await expectFill(updates);
      expect(problems).to.deep.equal([]);
    });

    it('gives up on wrong keys', async () => {
      const stream = streamWith('wrong');
      stream.on('error', () => undefined);
      stream.connect();
      const { status } = await stream.waitForAuthenticationResult(5_000);
      expect(status).to.equal('server_rejected');
    });
  });
});
