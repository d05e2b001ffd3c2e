import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { expectProblem } from '../support/api.js';
import { EventStreamClient } from '../support/event-stream-client.js';
import { eventually } from '../support/eventually.js';
import type { MarketMessage } from '../support/market-client.js';
import { CRYPTO, MarketStreams } from '../support/market-streams.js';

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

describe('market data streams', () => {
  let floor: MarketStreams;

  before(async () => (floor = await MarketStreams.start()));
  afterEach(() => floor.closeClients());
  after(() => floor.stop());

  it('tell of a trade, the quote and the book, with numbers that count up by one', async () => {
    const client = await floor.subscribe({ trades: ['KO'], quotes: ['KO'], orderbooks: ['KO'] });
    await client.has(({ T, r }) => T === 'o' && r === true);
    const terms = { symbol: 'AAPL', price: '150.25' } as const;
    const all = await floor.subscribe({ trades: ['*'], quotes: ['AAPL'], orderbooks: ['AAPL'] });
    await floor.trading.place({ account: 1, side: 'sell', qty: '3', ...terms });
    await floor.trading.settle();
    const quote = await all.has(({ T, ap }) => T === 'q' && ap === 150.25);
    expect(quote).to.deep.include({ S: 'AAPL', as: 3, bp: 0, bs: 0, ax: 'Q', c: ['R'], z: 'C' });
    await floor.trading.place({ account: 2, side: 'buy', qty: '1', ...terms });
    await floor.trading.settle();
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
    const client = await floor.subscribe({ trades: ['BTCUSD'], quotes: ['*'] }, { path: CRYPTO });
    await floor.trade({ symbol: 'BTC/USD', price: '65000', qty: '0.5' });
    const tape = await client.has(({ T }) => T === 't');
    expect(tape).to.include({ S: 'BTC/USD', p: 65000, s: 0.5, tks: 'B' });
    await floor.trade({ price: '140' });
    await sleep(100);
    expect(client.messages.filter(({ S }) => S === 'AAPL')).to.deep.equal([]);
  });

  it('come as server-sent events too', async () => {
    const query = '?symbols=MSFT&channels=trades,orderbooks';
    const path = '/v2/markets/stream';
    const client = await EventStreamClient.open(
      floor.api.url,
      floor.trading.accounts[3]!,
      query,
      {},
      path,
    );
    const messages = () => client.events.map(({ data }) => JSON.parse(data!) as MarketMessage);
    await eventually(() => {
      expect(messages()[0]).to.include({ T: 'o', S: 'MSFT', r: true });
      return Promise.resolve();
    });
    await floor.trade({ symbol: 'MSFT', price: '400' });
    await eventually(() => {
      expect(messages().find(({ T }) => T === 't')).to.include({ S: 'MSFT', p: 400, s: 1 });
      return Promise.resolve();
    });
    client.close();
    const refused = (more: string) =>
      floor.api.call('GET', `${path}?${more}`, { as: floor.trading.accounts[3] });
    expectProblem(await refused('symbols=NONE'), 422, 42210000);
    expectProblem(await refused('symbols=AAPL&channels=dances'), 422, 42210000);
    expectProblem(await refused('symbols=AAPL,KO,MSFT,BTC/USD,ETH/USD,SOL/USD'), 422, 42210000);
    const ended = await refused('symbols=AAPL&seconds=1');
    expect(ended.status).to.equal(200);
  });

  describe("through Alpaca's SDK 3", () => {
    it('come as trades and quotes of stocks, and as books of pairs', async () => {
      const { key_id: keyId, secret_key: secretKey } = floor.trading.accounts[5]!;
      const sdk = new Alpaca({ keyId, secretKey, dataStreamUrl: floor.api.url, feed: 'iex' });
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
        await floor.trade({ price: '151.5' });
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
});
