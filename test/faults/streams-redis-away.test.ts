import { rm } from 'node:fs/promises';
import { expect } from 'chai';
import type { EmbeddedServer } from '../../src/embedded/embedded-server.js';
import { freePort } from '../../src/embedded/free-port.js';
import { startRedis } from '../../src/embedded/redis.js';
import { startApi, type Api } from '../support/api.js';
import { xCache } from '../support/cached-apis.js';
import { eventually } from '../support/eventually.js';
import { MarketClient } from '../support/market-client.js';
import { startMarketFeed } from '../support/market-feed.js';
import { createDataDir } from '../support/processes.js';
import { startTrading, type Trading } from '../support/trading.js';

const STALE_AFTER_MS = 1_500;
const PATHS = [
  '/v2/markets/AAPL/book',
  '/v2/stocks/AAPL/quotes/latest',
  '/v2/stocks/bars/latest?symbols=AAPL',
  '/v2/stocks/snapshots?symbols=AAPL',
];

describe('market data while Redis is away', function () {
  this.timeout(60_000);
  let dataDir: string;
  let port: number;
  let redis: EmbeddedServer;
  let trading: Trading;
  let api: Api;
  let feed: { stop: () => Promise<void> };
  let client: MarketClient;

  before(async () => {
    dataDir = await createDataDir();
    port = await freePort();
    redis = await startRedis({ dataDir, port });
    trading = await startTrading(2, { REDIS_URL: redis.url });
    const streamLimits = { staleAfterMs: STALE_AFTER_MS, degradedEveryMs: 1_000 };
    api = await startApi(trading, { cache: true, streamLimits });
    feed = startMarketFeed(trading);
  });
  after(async () => {
    client.close();
    await feed.stop();
    await api.stop();
    await trading.stop();
    await redis.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const order = async (side: 'buy' | 'sell', qty: string, price: string) => {
    await trading.place({ account: side === 'buy' ? 0 : 1, side, symbol: 'AAPL', qty, price });
    await trading.settle();
  };
  const shows = (expected: object) =>
    eventually(() => {
      const { b, a, stale } = client.books.get('AAPL')!;
      expect({ b, a, stale }).to.deep.equal({ a: [], ...expected });
      return Promise.resolve();
    });

  it('is told as stale, comes from the database, and goes on by itself on the same connections', async () => {
    const account = trading.accounts[0]!;
    const lists = { orderbooks: ['AAPL'], trades: ['AAPL'], quotes: ['AAPL'] };
    client = await MarketClient.subscribe(api.url, '/v2/iex', account, lists);
    await order('buy', '2', '150');
    await order('sell', '1', '150');
    await shows({ b: [{ p: 150, s: 1 }], stale: false });
    await client.has(({ T, s }) => T === 't' && s === 1);

    await redis.stop();
    await client.has(({ T, stale }) => T === 'feed' && stale === true);
    await order('buy', '2', '151');
    const whole = [
      { p: 151, s: 2 },
      { p: 150, s: 1 },
    ];
    await shows({ b: whole, stale: true });
    await client.has(({ T, bp, stale }) => T === 'q' && bp === 151 && stale === true);
    expect(client.books.get('AAPL')).to.include({ seq: 0 });
    for (const path of PATHS) {
      const answer = await api.call('GET', path, { as: account });
      expect(answer.status, path).to.equal(200);
      expect(xCache(answer), path).to.equal('MISS');
      expect(JSON.stringify(answer.body), path).to.include('AAPL');
    }
    const { body: book } = await api.call('GET', PATHS[0]!, { as: account });
    expect(book.bids[0]).to.deep.include({ price: '151', size: '2' });

    redis = await startRedis({ dataDir, port });
    await client.has(({ T, stale }) => T === 'feed' && stale === false);
    await shows({ b: whole, stale: false });
    await order('buy', '3', '152');
    await shows({ b: [{ p: 152, s: 3 }, ...whole], stale: false });
    await order('sell', '3', '152');
    await client.has(({ T, s, stale }) => T === 't' && s === 3 && stale === false);
    expect({ gaps: client.gaps, closed: client.closed }).to.deep.equal({ gaps: 0, closed: null });
  });
});
