import { startApi, type Api } from './api.js';
import { MarketClient, type MarketMessage } from './market-client.js';
import { startMarketFeed } from './market-feed.js';
import { startTrading, type TestOrder, type Trading } from './trading.js';

export const STOCKS = '/v2/iex';
export const CRYPTO = '/v1beta3/crypto/us';
const STALE_AFTER_MS = 2_000;
const ACCOUNTS = 6;

/** A trading floor whose market data is published and streamed, within limits that tests can reach. */
export class MarketStreams {
  private readonly clients: MarketClient[] = [];

  private constructor(
    readonly trading: Trading,
    readonly api: Api,
    private feed: ReturnType<typeof startMarketFeed>,
  ) {}

  static async start(): Promise<MarketStreams> {
    const trading = await startTrading(ACCOUNTS);
    const api = await startApi(trading, {
      streamLimits: {
        authenticateWithinMs: 1_000,
        staleAfterMs: STALE_AFTER_MS,
        degradedEveryMs: 1_000,
        topicsMax: 10,
        perAccount: 5,
      },
    });
    return new MarketStreams(trading, api, startMarketFeed(trading));
  }

  async connect(path = STOCKS, ...more: [object?, ((data: Buffer) => unknown)?]) {
    const client = await MarketClient.connect(this.api.url, path, ...more);
    this.clients.push(client);
    return client;
  }

  async subscribe(lists: object, { path = STOCKS, account = 0 } = {}) {
    const key = this.trading.accounts[account]!;
    const client = await MarketClient.subscribe(this.api.url, path, key, lists);
    this.clients.push(client);
    return client;
  }

  /** The message that says who one is. */
  auth(account = 0) {
    const { key_id: key, secret_key: secret } = this.trading.accounts[account]!;
    return { action: 'auth', key, secret };
  }

  async trade(order: Partial<TestOrder> = {}): Promise<void> {
    const terms = { symbol: 'AAPL', price: '150', qty: '1', ...order };
    await this.trading.place({ account: 1, side: 'sell', ...terms });
    await this.trading.place({ account: 2, side: 'buy', ...terms });
    await this.trading.settle();
  }

  stopFeed(): Promise<void> {
    return this.feed.stop();
  }

  startFeed(): void {
    this.feed = startMarketFeed(this.trading);
  }

  closeClients(): void {
    for (const client of this.clients.splice(0)) client.close();
  }

  async stop(): Promise<void> {
    await this.feed.stop();
    await this.api.stop();
    await this.trading.stop();
  }
}

/** Whether a message is an error with this code. */
export const error =
  (code: number) =>
  (message: MarketMessage): boolean =>
    message['T'] === 'error' && message['code'] === code;
