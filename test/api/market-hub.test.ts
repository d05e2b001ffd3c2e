import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { createLogger } from '../../src/log.js';
import {
  ASK_CHANNEL,
  FEED_CHANNEL,
  HEARTBEAT_MS,
  WHOLE_BOOKS,
  type FeedMessage,
} from '../../src/market/feed.js';
import { connectRedis, producerOptions, subscriberOptions } from '../../src/redis.js';
import type { Ending } from '../../src/streams/ending.js';
import { MarketHub } from '../../src/streams/market-hub.js';
import { MarketSubscriber, type MarketSink } from '../../src/streams/market-subscriber.js';
import { eventually } from '../support/eventually.js';
import { testRedisUrl } from '../support/servers.js';

const CONFLATE_MS = 100;
const SYMBOL = 'TEST';

/** What a connection would send, with a network whose speed the test decides. */
class Sink implements MarketSink {
  backlogBytes = 0;
  readonly messages: (FeedMessage & Record<string, unknown>)[] = [];
  ending: Ending | undefined;
  write(frame: Parameters<MarketSink['write']>[0]): void {
    const text = Buffer.from(frame.forSocket('text')).toString();
    this.messages.push(...(JSON.parse(text) as Sink['messages']));
  }
  end(ending: Ending): void {
    this.ending = ending;
  }
}

describe('the hub of market data', () => {
  let redis: Redis;
  let publisher: Redis;
  let hub: MarketHub;
  let sink: Sink;
  let subscriber: MarketSubscriber;
  /** How often it has asked for whole books, and only said that somebody listens. */
  let asked = 0;
  let said = 0;

  beforeEach(async () => {
    const ignore = () => undefined;
    const url = testRedisUrl();
    redis = connectRedis(url, producerOptions, ignore);
    publisher = connectRedis(url, subscriberOptions, ignore);
    asked = said = 0;
    publisher.on('message', (_channel: string, message: string) => {
      if (message === WHOLE_BOOKS) asked += 1;
      else said += 1;
    });
    await publisher.subscribe(ASK_CHANNEL);
    hub = new MarketHub({
      db: { run: () => Promise.reject(new Error('not asked for here')) },
      catalog: { all: () => [], find: () => undefined },
      redis,
      subscriber: connectRedis(url, subscriberOptions, ignore),
      log: createLogger('error', 'test'),
    });
    sink = new Sink();
    subscriber = new MarketSubscriber(hub, sink, {
      backlogMaxBytes: 1_000,
      conflateEveryMs: CONFLATE_MS,
      stalledMs: 3 * CONFLATE_MS,
      topicsMax: 10,
    });
    hub.start();
    subscriber.subscribe([
      { kind: 'o', name: SYMBOL },
      { kind: 'q', name: SYMBOL },
    ]);
    await eventually(() => {
      expect(asked).to.be.greaterThan(0);
      return Promise.resolve();
    });
  });
  afterEach(() => {
    subscriber.close();
    hub.stop();
    redis.disconnect();
    publisher.disconnect();
  });

  const level = (s: number) => [{ p: 100, s }];
  const book = (seq: number, size: number, more: object = {}) => ({
    ...{ T: 'o', S: SYMBOL, t: '2026-11-26T00:00:00Z', seq, stale: false },
    ...{ b: level(size), a: [], ...more },
  });
  const quote = (seq: number, size: number) => ({
    ...{ T: 'q', S: SYMBOL, t: '2026-11-26T00:00:00Z', seq, stale: false, bp: 100, bs: size },
  });
  const publish = async (...messages: object[]) => {
    await redis.publish(FEED_CHANNEL, JSON.stringify({ messages }));
  };
  const sent = async (count: number) => {
    await eventually(() => {
      expect(sink.messages).to.have.length(count);
      return Promise.resolve();
    });
    return sink.messages;
  };

  it('asks for whole books for its first listener, and when it has missed a difference', async () => {
    await publish(book(5, 1, { r: true }), book(6, 2));
    await sent(2);
    const before = asked;
    await publish(book(8, 4));
    await eventually(() => {
      expect(asked).to.be.greaterThan(before);
      return Promise.resolve();
    });
    await publish(book(9, 5, { r: true }));
    const messages = await sent(3); // never the difference to something else
    expect(messages[2]).to.deep.include({ seq: 9, r: true, b: level(5) });
  });

  it('says that it has listeners as long as it has some, and forgets its books with the last', async () => {
    await publish(book(5, 1, { r: true }));
    await sent(1);
    await eventually(() => {
      expect(said).to.be.greaterThan(0);
      return Promise.resolve();
    });
    subscriber.close();
    const before = said + asked;
    await sleep(1.2 * HEARTBEAT_MS);
    expect(said + asked).to.equal(before);
    subscriber.subscribe([{ kind: 'o', name: SYMBOL }]);
    subscriber.sendBooks([{ kind: 'o', name: SYMBOL }]);
    expect(sink.messages).to.have.length(1); // the old one is not good any more
    await eventually(() => {
      expect(said + asked).to.be.greaterThan(before);
      return Promise.resolve();
    });
  });

  it('gives a slow client the latest in place of each change, and all changes again later', async () => {
    await publish(book(1, 1, { r: true }), quote(1, 1));
    await sent(2);
    sink.backlogBytes = 2_000;
    for (let seq = 2; seq <= 50; seq += 1) await publish(book(seq, seq), quote(seq, seq));
    await sleep(2 * CONFLATE_MS);
    expect(sink.messages).to.have.length(2);
    sink.backlogBytes = 0;
    const messages = await sent(4);
    expect(messages[2]).to.deep.include({ T: 'o', seq: 50, r: true, b: level(50) });
    expect(messages[3]).to.deep.include({ T: 'q', seq: 50, bs: 50 });
    await publish(book(51, 3));
    expect((await sent(5))[4]).to.deep.include({ seq: 51, b: level(3) });
    expect(sink.ending).to.equal(undefined);
  });

  it('drops a client that takes nothing for too long', async () => {
    await publish(book(1, 1, { r: true }));
    await sent(1);
    sink.backlogBytes = 2_000;
    await publish(book(2, 2));
    await eventually(() => {
      expect(sink.ending).to.include({ kind: 'slow', closeCode: 1013 });
      return Promise.resolve();
    });
  });
});
