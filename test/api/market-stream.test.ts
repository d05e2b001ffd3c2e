import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { decode, encode } from '@msgpack/msgpack';
import { expect } from 'chai';
import { createPerson, expectProblem, startApi, type Api } from '../support/api.js';
import { EventStreamClient } from '../support/event-stream-client.js';
import { eventually } from '../support/eventually.js';
import { MarketClient, type MarketMessage } from '../support/market-client.js';
import { startMarketFeed } from '../support/market-feed.js';
import { startTrading, type TestOrder, type Trading } from '../support/trading.js';

/** As far as it is used here: the SDK is JavaScript, and declares next to nothing. */
interface SdkStream {
  session: { url: string; subscriptions: Record<string, string[]> };
  connect(): void;
  disconnect(): void;
  onConnect(listener: () => void): void;
  onError(listener: (message: string) => void): void;
  subscribeForTrades(symbols: string[]): void;
  subscribeForQuotes(symbols: string[]): void;
  subscribeForOrderbooks?(symbols: string[]): void;
  onStockTrade?(listener: (trade: object) => void): void;
  onStockQuote?(listener: (quote: object) => void): void;
  onCryptoOrderbook?(listener: (book: object) => void): void;
}
type Sdk = new (
  options: Record<string, string>,
) => Record<'data_stream_v2' | 'crypto_stream_v1beta3', SdkStream>;
const Alpaca = createRequire(import.meta.url)('@alpacahq/alpaca-trade-api') as Sdk;

const STOCKS = '/v2/iex';
const CRYPTO = '/v1beta3/crypto/us';
const AUTHENTICATE_WITHIN_MS = 1_000;
const STALE_AFTER_MS = 2_000;

describe('market data streams', () => {
  let trading: Trading;
  let api: Api;
  let feed: { stop: () => Promise<void> };
  const clients: MarketClient[] = [];

  before(async () => {
    trading = await startTrading(6);
    api = await startApi(trading, {
      streamLimits: {
        authenticateWithinMs: AUTHENTICATE_WITHIN_MS,
        staleAfterMs: STALE_AFTER_MS,
        degradedEveryMs: 1_000,
        topicsMax: 10,
        perAccount: 5,
      },
    });
    feed = startMarketFeed(trading);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  after(async () => {
    await feed.stop();
    await api.stop();
    await trading.stop();
  });

  async function connect(path = STOCKS, ...more: [object?, ((data: Buffer) => unknown)?]) {
    const client = await MarketClient.connect(api.url, path, ...more);
    clients.push(client);
    return client;
  }
  async function subscribe(lists: object, { path = STOCKS, account = 0 } = {}) {
    const client = await MarketClient.subscribe(api.url, path, trading.accounts[account]!, lists);
    clients.push(client);
    return client;
  }
  const auth = (account = 0) => {
    const { key_id: key, secret_key: secret } = trading.accounts[account]!;
    return { action: 'auth', key, secret };
  };
  const error = (code: number) => (message: MarketMessage) =>
    message['T'] === 'error' && message['code'] === code;
  async function trade(order: Partial<TestOrder> = {}) {
    const terms = { symbol: 'AAPL', price: '150', qty: '1', ...order };
    await trading.place({ account: 1, side: 'sell', ...terms });
    await trading.place({ account: 2, side: 'buy', ...terms });
    await trading.settle();
  }
  /** What REST says of a book, as numbers. */
  async function bookOf(symbol: string, depth = 50) {
    const path = `/v2/markets/${symbol}/book?depth=${depth}`;
    const { body } = await api.call('GET', path, { as: trading.accounts[0] });
    const levels = (side: { price: string; size: string }[]) =>
      side.map(({ price, size }) => ({ p: Number(price), s: Number(size) }));
    return { b: levels(body.bids), a: levels(body.asks) };
  }
  const shown = (client: MarketClient, symbol: string) => {
    const { b, a } = client.books.get(symbol)!;
    return { b, a };
  };

  describe('protocol', () => {
    it('greets, authenticates by message and confirms what is subscribed', async () => {
      const client = await connect();
      client.send(auth());
      await client.has(({ msg }) => msg === 'authenticated');
      expect(client.messages).to.deep.equal([
        { T: 'success', msg: 'connected' },
        { T: 'success', msg: 'authenticated' },
      ]);
      const none = { trades: [], quotes: [], bars: [], updatedBars: [], dailyBars: [] };
      client.send({ action: 'subscribe', trades: ['aapl'], quotes: ['*'], statuses: ['*'] });
      const subscribed = { ...none, T: 'subscription', orderbooks: [] };
      expect(await client.has(({ T }) => T === 'subscription')).to.deep.equal({
        ...subscribed,
        trades: ['AAPL'],
        quotes: ['*'],
      });
      client.send({ action: 'unsubscribe', trades: ['AAPL'] });
      expect(await client.has(({ trades }) => trades?.length === 0)).to.deep.equal({
        ...subscribed,
        quotes: ['*'],
      });
    });

    it('accepts credentials in the handshake, and refuses wrong ones there', async () => {
      const client = await subscribe({ trades: ['MSFT'] });
      expect(client.messages[1]).to.deep.equal({ T: 'success', msg: 'authenticated' });
      client.send(auth());
      await client.has(error(403));
      const headers = { 'APCA-API-KEY-ID': 'PK0', 'APCA-API-SECRET-KEY': 'x' };
      const refused = await connect(STOCKS, { headers }).then(
        () => 'let in',
        (reason: unknown) => (reason as Error).message,
      );
      expect(refused).to.include('401');
    });

    it('speaks MessagePack to whoever asks for it', async () => {
      const headers = { 'Content-Type': 'application/msgpack' };
      const client = await connect(STOCKS, { headers }, (data) => decode(data));
      client.socket.send(encode(auth()));
      await client.has(({ msg }) => msg === 'authenticated');
    });

    it('refuses wrong credentials and closes', async () => {
      const client = await connect();
      client.send({ ...auth(), secret: 'wrong' });
      expect(await client.has(error(402))).to.include({ msg: 'auth failed' });
      expect(await client.end()).to.include({ code: 1008 });
    });

    it('refuses a credential that may not read', async () => {
      const { account_id: accountId } = trading.accounts[5]!;
      const { key_id: key, secret_key: secret } = await createPerson(trading, {
        scopes: ['trade'],
        accountId,
      });
      const client = await connect();
      client.send({ action: 'auth', key, secret });
      await client.has(error(409));
      await client.end();
    });

    it('closes when no credentials come in time', async () => {
      const client = await connect();
      client.send({ action: 'subscribe', trades: ['AAPL'] });
      expect(await client.has(error(401))).to.include({ msg: 'not authenticated' });
      expect(await client.has(error(404))).to.include({ msg: 'auth timeout' });
      await client.end();
    });

    it('says what it does not understand, and stays open', async () => {
      const client = await subscribe({ trades: ['AAPL'] });
      for (const [code, message] of [
        [400, { action: 'dance' }],
        [400, { action: 'subscribe', trades: 'AAPL' }],
        [400, { action: 'subscribe', trades: ['NONE'] }],
        [400, { action: 'subscribe', trades: ['BTC/USD'] }],
        [410, { action: 'subscribe', dances: ['AAPL'] }],
        [405, { action: 'subscribe', trades: manyStocks(), quotes: manyStocks() }],
      ] as const) {
        client.messages.length = 0;
        client.send(message);
        await client.has(error(code));
      }
      client.messages.length = 0;
      client.socket.send('{');
      await client.has(error(400));
      expect(client.closed).to.equal(null);
    });
    const manyStocks = () =>
      trading.container.catalog
        .all()
        .filter((asset) => asset.class === 'us_equity')
        .slice(0, 6)
        .map(({ symbol }) => symbol);

    it('lets in as many streams of an account as there may be', async () => {
      for (let count = 0; count < 5; count += 1) await subscribe({}, { account: 4 });
      const client = await connect();
      client.send(auth(4));
      expect(await client.has(error(406))).to.include({ msg: 'connection limit exceeded' });
      await client.end();
    });
  });

  describe('messages', () => {
    it('tell of a trade, the quote and the book, with numbers that count up by one', async () => {
      const client = await subscribe({ trades: ['KO'], quotes: ['KO'], orderbooks: ['KO'] });
      await client.has(({ T, r }) => T === 'o' && r === true);
      const terms = { symbol: 'AAPL', price: '150.25' } as const;
      const all = await subscribe({ trades: ['*'], quotes: ['AAPL'], orderbooks: ['AAPL'] });
      await trading.place({ account: 1, side: 'sell', qty: '3', ...terms });
      await trading.settle();
      const quote = await all.has(({ T, ap }) => T === 'q' && ap === 150.25);
      expect(quote).to.deep.include({ S: 'AAPL', as: 3, bp: 0, bs: 0, ax: 'Q', c: ['R'], z: 'C' });
      await trading.place({ account: 2, side: 'buy', qty: '1', ...terms });
      await trading.settle();
      const tape = await all.has(({ T }) => T === 't');
      expect(tape).to.deep.include({ S: 'AAPL', p: 150.25, s: 1, x: 'Q', c: ['@'], z: 'C' });
      expect(tape).to.include({ stale: false });
      await all.has(({ T, as }) => T === 'q' && as === 2);
      const books = all.messages.filter(({ T }) => T === 'o');
      expect(books[0]).to.include({ r: true });
      expect(books.at(-1)).to.deep.include({ b: [], a: [{ p: 150.25, s: 2 }] });
      expect(books.at(-1)).not.to.have.property('r');
      const first = books[0]!['seq'] as number;
      expect(books.map(({ seq }) => seq as number)).to.deep.equal(
        books.map((_, index) => first + index),
      );
      expect(client.messages.filter(({ S }) => S === 'AAPL')).to.deep.equal([]);
    });

    it('of pairs come on a stream of their own', async () => {
      const client = await subscribe({ trades: ['BTCUSD'], quotes: ['*'] }, { path: CRYPTO });
      await trade({ symbol: 'BTC/USD', price: '65000', qty: '0.5' });
      const tape = await client.has(({ T }) => T === 't');
      expect(tape).to.include({ S: 'BTC/USD', p: 65000, s: 0.5, tks: 'B' });
      await trade({ price: '140' });
      await sleep(100);
      expect(client.messages.filter(({ S }) => S === 'AAPL')).to.deep.equal([]);
    });

    it('come as server-sent events too', async () => {
      const query = '?symbols=MSFT&channels=trades,orderbooks';
      const path = '/v2/markets/stream';
      const client = await EventStreamClient.open(api.url, trading.accounts[3]!, query, {}, path);
      const messages = () => client.events.map(({ data }) => JSON.parse(data!) as MarketMessage);
      await eventually(() => {
        expect(messages()[0]).to.include({ T: 'o', S: 'MSFT', r: true });
        return Promise.resolve();
      });
      await trade({ symbol: 'MSFT', price: '400' });
      await eventually(() => {
        expect(messages().find(({ T }) => T === 't')).to.include({ S: 'MSFT', p: 400, s: 1 });
        return Promise.resolve();
      });
      client.close();
      const refused = (more: string) =>
        api.call('GET', `${path}?${more}`, { as: trading.accounts[3] });
      expectProblem(await refused('symbols=NONE'), 422, 42210000);
      expectProblem(await refused('symbols=AAPL&channels=dances'), 422, 42210000);
      expectProblem(await refused('symbols=AAPL,KO,MSFT,BTC/USD,ETH/USD,SOL/USD'), 422, 42210000);
      const ended = await refused('symbols=AAPL&seconds=1');
      expect(ended.status).to.equal(200);
    });
  });

  describe("through Alpaca's SDK 3", () => {
    it('come as trades and quotes of stocks, and as books of pairs', async () => {
      const { key_id: keyId, secret_key: secretKey } = trading.accounts[5]!;
      const sdk = new Alpaca({ keyId, secretKey, dataStreamUrl: api.url, feed: 'iex' });
      const { data_stream_v2: stocks, crypto_stream_v1beta3: pairs } = sdk;
      const seen: Record<string, unknown>[] = [];
      for (const stream of [stocks, pairs]) {
        stream.session.url = stream.session.url.replace(/^wss/, 'ws'); // it knows TLS only
        stream.onError((message) => seen.push({ message }));
      }
      stocks.onConnect(() => {
        stocks.subscribeForTrades(['AAPL']);
        stocks.subscribeForQuotes(['AAPL']);
      });
      stocks.onStockTrade!((message) => seen.push({ trade: message }));
      stocks.onStockQuote!((message) => seen.push({ quote: message }));
      pairs.onConnect(() => pairs.subscribeForOrderbooks!(['ETH/USD']));
      pairs.onCryptoOrderbook!((message) => seen.push({ book: message }));
      stocks.connect();
      pairs.connect();
      const told = (name: string) =>
        seen.find((one) => name in one)?.[name] as Record<string, unknown> | undefined;
      try {
        await eventually(() => {
          expect(told('book')).to.include({ S: 'ETH/USD', r: true });
          expect(stocks.session.subscriptions.quotes).to.deep.equal(['AAPL']);
          return Promise.resolve();
        });
        await trade({ price: '151.5' });
        await eventually(() => {
          expect(told('trade')).to.include({ Symbol: 'AAPL', Size: 1 });
          return Promise.resolve();
        });
        expect(told('message')).to.equal(undefined);
      } finally {
        stocks.disconnect();
        pairs.disconnect();
      }
    });
  });

  describe('books', () => {
    it('come whole to whoever asks after a gap', async () => {
      const client = await subscribe({ orderbooks: ['AAPL'] });
      await client.has(({ T }) => T === 'o');
      client.books.clear(); // as if it had missed something
      await trading.place({ account: 0, side: 'buy', qty: '1', price: '130' });
      await trading.settle();
      await eventually(() => {
        expect(client.gaps).to.be.greaterThan(0);
        return Promise.resolve();
      });
      client.send({ action: 'snapshot', orderbooks: ['AAPL'] });
      await eventually(async () => {
        expect(shown(client, 'AAPL')).to.deep.equal(await bookOf('AAPL'));
      });
    });
  });

  it('are marked as stale without a publisher, come from the database, and recover', async function () {
    this.timeout(30_000);
    const client = await subscribe({ orderbooks: ['KO'], trades: ['AAPL'] });
    await client.has(({ T, stale }) => T === 'o' && stale === false);
    await feed.stop();
    await client.has(({ T, stale }) => T === 'feed' && stale === true);
    await trading.place({ account: 0, side: 'buy', symbol: 'KO', qty: '7', price: '60' });
    await trading.settle();
    await eventually(() => {
      const { b, stale, seq } = client.books.get('KO')!;
      expect({ b, stale, seq }).to.deep.equal({ b: [{ p: 60, s: 7 }], stale: true, seq: 0 });
      return Promise.resolve();
    });
    const late = await subscribe({ trades: ['KO'] });
    await late.has(({ T, stale }) => T === 'feed' && stale === true);
    feed = startMarketFeed(trading);
    await client.has(({ T, stale }) => T === 'feed' && stale === false);
    await eventually(() => {
      const { b, stale, seq } = client.books.get('KO')!;
      expect({ b, stale }).to.deep.equal({ b: [{ p: 60, s: 7 }], stale: false });
      expect(seq).to.be.greaterThan(0);
      return Promise.resolve();
    });
    await trade();
    await client.has(({ T, stale }) => T === 't' && stale === false);
    expect(client.gaps).to.equal(0);
  });
});
