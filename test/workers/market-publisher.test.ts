import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import {
  ASK_CHANNEL,
  FEED_CHANNEL,
  LISTENED_MS,
  WHOLE_BOOKS,
  type FeedBatch,
  type FeedMessage,
} from '../../src/market/feed.js';
import { connectRedis, subscriberOptions } from '../../src/redis.js';
import { eventually } from '../support/eventually.js';
import { startMarketFeed } from '../support/market-feed.js';
import { startTrading, usd, type Trading } from '../support/trading.js';

describe('the publisher of market data', () => {
  let trading: Trading;
  let feed: { stop: () => Promise<void> };
  let subscriber: Redis;
  let batches: FeedBatch[] = [];

  before(async () => {
    trading = await startTrading(2);
    subscriber = connectRedis(
      trading.container.config.redisUrl,
      subscriberOptions,
      () => undefined,
    );
    subscriber.on('message', (_channel: string, text: string) =>
      batches.push(JSON.parse(text) as FeedBatch),
    );
    await subscriber.subscribe(FEED_CHANNEL);
    feed = startMarketFeed(trading);
  });
  after(async () => {
    await feed.stop();
    subscriber.disconnect();
    await trading.stop();
  });

  const told = (): FeedMessage[] => batches.flatMap(({ messages }) => messages);
  const ask = (message: string) => trading.container.redis.publish(ASK_CHANNEL, message);
  async function trade() {
    const terms = { symbol: 'AAPL', price: '150', qty: '1' };
    await trading.place({ account: 0, side: 'sell', ...terms });
    await trading.place({ account: 1, side: 'buy', ...terms });
    await trading.settle();
  }
  const tellsTrades = (count: number) =>
    eventually(() => {
      expect(told().filter(({ T }) => T === 't')).to.have.length(count);
      return Promise.resolve();
    });

  it('tells of trades and books while somebody listens, and only that it is there otherwise', async function () {
    this.timeout(20_000);
    await trade();
    await tellsTrades(1); // when it begins somebody may be listening
    await sleep(LISTENED_MS);
    await eventually(() => {
      batches = batches.slice(-1);
      expect(batches).to.deep.equal([{ messages: [] }]);
      return Promise.resolve();
    });
    await trade();
    await eventually(() => {
      expect(batches.length).to.be.greaterThan(2);
      return Promise.resolve();
    });
    expect(told()).to.deep.equal([]);
    await eventually(async () => {
      const bar = await trading.container.db.knex('market_bars').where({ timeframe: '1Day' });
      expect(bar).to.have.length(1); // added up all the same
      expect(bar[0]).to.include({ trades: 2, close: usd('150') });
    });

    await ask(''); // comes back without a word about books: it begins with them all the same
    await eventually(() => {
      const books = told().filter(({ T }) => T === 'o');
      expect(books).to.have.length(trading.container.catalog.all().length);
      expect(books.every((book) => 'r' in book)).to.equal(true);
      return Promise.resolve();
    });
    await tellsTrades(0); // of what has gone by, it tells no more than the bars lack
    await trade();
    await tellsTrades(1);
    await ask(WHOLE_BOOKS);
    await eventually(() => {
      const books = told().filter(({ T }) => T === 'o');
      expect(books.length).to.be.greaterThan(1.9 * trading.container.catalog.all().length);
      return Promise.resolve();
    });
  });
});
