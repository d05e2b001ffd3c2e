import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import pg from 'pg';
import { connectRedis, subscriberOptions } from '../../src/redis.js';
import type { Ending } from '../../src/streams/ending.js';
import { EVENTS_CHANNEL } from '../../src/streams/event-bell.js';
import { EventHub, type HubLimits } from '../../src/streams/event-hub.js';
import type { LoggedEvent } from '../../src/streams/logged-event.js';
import type { Consumer, Subscription } from '../../src/streams/subscription.js';
import { EventLog, idsUpTo } from '../support/event-log.js';
import { eventually } from '../support/eventually.js';
import { testRedisUrl } from '../support/servers.js';
import { startTrading, type Trading } from '../support/trading.js';

/** Keeps what it is handed; takes as much as `room` says. */
class Listener implements Consumer {
  readonly ids: number[] = [];
  readonly pages: number[] = [];
  ending: Ending | null = null;
  subscription: Subscription | null = null;
  room = Infinity;

  receive(events: readonly LoggedEvent[]): boolean {
    this.ids.push(...events.map(({ id }) => Number(id)));
    this.pages.push(events.length);
    return this.ids.length < this.room;
  }
  end(ending: Ending): void {
    this.ending = ending;
  }
}

describe('the event hub', () => {
  let trading: Trading;
  const hubs: EventHub[] = [];

  before(async () => {
    trading = await startTrading(8);
  });
  afterEach(() => {
    for (const hub of hubs.splice(0)) hub.stop();
  });
  after(() => trading.stop());

  function startHub(limits: Partial<HubLimits> = {}, redisUrl = testRedisUrl()): EventHub {
    const { db, log } = trading.container;
    const redis = connectRedis(redisUrl, subscriberOptions, () => undefined);
    const hub = new EventHub({ db, log, redis, limits });
    hub.start();
    hubs.push(hub);
    return hub;
  }
  async function logOf(account: number): Promise<EventLog> {
    const order = await trading.place({ account, side: 'buy', qty: '1', price: '1' });
    return new EventLog(trading, order.accountId, order.id); // its log begins with one event
  }
  async function listen(hub: EventHub, accountId: string, sinceId: bigint | null) {
    const listener = new Listener();
    listener.subscription = await hub.subscribe(accountId, sinceId, listener);
    listener.subscription.start();
    return listener;
  }
  const got = (listener: Listener, ids: number[], withinMs?: number) =>
    eventually(async () => {
      expect(listener.ids).to.deep.equal(ids);
      await Promise.resolve();
    }, withinMs);

  it('loses and doubles nothing where history ends and live events begin', async () => {
    const hub = startHub({ pageSize: 7, readersPerRound: 3 });
    const log = await logOf(0);
    await log.write(50);
    const listeners: Listener[] = [];
    const joining = async (): Promise<void> => {
      for (let count = 0; count < 10; count += 1) {
        listeners.push(await listen(hub, log.accountId, BigInt(count)));
        await sleep(15);
      }
    };
    const writing = async (): Promise<void> => {
      for (let count = 0; count < 200; count += 1) await log.write(1);
    };
    await Promise.all([joining(), writing()]);
    for (const [since, listener] of listeners.entries()) {
      await got(listener, idsUpTo(251, since + 1));
    }
    const readWhileWritten = listeners.filter(({ pages }) => pages.some((size) => size < 7));
    expect(readWhileWritten.length, 'some must have caught up before the end').to.be.above(0);
  });

  it('begins with what happens from now on when nothing is said', async () => {
    const hub = startHub();
    const log = await logOf(1);
    await log.write(3);
    const listener = await listen(hub, log.accountId, null);
    await log.write(2);
    await got(listener, [5, 6]);
  });

  it('brings live events to one client while another reads a long history', async () => {
    const hub = startHub({ pageSize: 10 });
    const log = await logOf(2);
    await log.write(5_000);
    const live = await listen(hub, log.accountId, null);
    const reading = await listen(hub, log.accountId, 0n);
    await log.write(1);
    await got(live, [5_002], 500);
    expect(reading.ids.length).to.be.lessThan(5_000);
    await got(reading, idsUpTo(5_002), 20_000);
  });

  it('hands on no more than is taken, and goes on when asked', async () => {
    const hub = startHub({ pageSize: 10 });
    const log = await logOf(3);
    await log.write(99);
    const listener = new Listener();
    listener.room = 25;
    listener.subscription = await hub.subscribe(log.accountId, 0n, listener);
    listener.subscription.start();
    await got(listener, idsUpTo(30));
    await log.write(1);
    await sleep(200);
    await got(listener, idsUpTo(30));
    listener.room = Infinity;
    listener.subscription.resume();
    await got(listener, idsUpTo(101));
  });

  it('lets go of a client that takes nothing for too long', async () => {
    const hub = startHub({ stalledMs: 100 });
    const log = await logOf(3);
    const listener = new Listener();
    listener.room = 0;
    listener.subscription = await hub.subscribe(log.accountId, 0n, listener);
    listener.subscription.start();
    await eventually(async () => {
      expect(listener.ending).to.include({ kind: 'slow', closeCode: 1013 });
      await Promise.resolve();
    }, 3_000);
    const before = listener.ids.length;
    await log.write(1);
    await sleep(200);
    expect(listener.ids).to.have.length(before);
  });

  it('lets go of a live client that is too far behind, not of one that reads history', async () => {
    const hub = startHub({ pageSize: 10, unreadMax: 50n });
    const log = await logOf(4);
    const slow = await listen(hub, log.accountId, null);
    slow.room = 0;
    await log.write(1);
    await got(slow, [2]);
    await log.write(200);
    const reading = await listen(hub, log.accountId, 0n);
    await eventually(async () => {
      expect(slow.ending?.kind).to.equal('slow');
      await Promise.resolve();
    }, 3_000);
    await got(reading, idsUpTo(202));
    expect(reading.ending).to.equal(null);
  });

  it('refuses a place that the log has not reached', async () => {
    const hub = startHub();
    const log = await logOf(4);
    try {
      await hub.subscribe(log.accountId, 999n, new Listener());
      expect.fail('it was accepted');
    } catch (error) {
      expect((error as Error).message).to.match(/since_id was 999.*last event.* is \d+/);
    }
  });

  it('goes on when Postgres cuts its connections', async () => {
    const hub = startHub({ pageSize: 5 });
    const log = await logOf(5);
    const listener = await listen(hub, log.accountId, 1n);
    const server = new pg.Client({ connectionString: trading.container.config.databaseUrl });
    await server.connect(); // as its owner: the application may not do that
    let cut = 0;
    for (let count = 0; count < 20; count += 1) {
      await log.write(10);
      const { rows } = await server.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'brokerx-test-orders' and datname = current_database()`,
      );
      cut += rows.length;
    }
    await server.end();
    expect(cut, 'the fault must have happened').to.be.above(0);
    await got(listener, idsUpTo(201, 2));
  });

  describe('when Redis fails', () => {
    it('still delivers, only later, without it', async () => {
      const hub = startHub({}, 'redis://127.0.0.1:1');
      const log = await logOf(6);
      const listener = await listen(hub, log.accountId, null);
      await log.write(3);
      await got(listener, [2, 3, 4], 2_500);
    });

    it('connects and subscribes again when its connection is cut', async () => {
      const hub = startHub();
      const log = await logOf(7);
      const listener = await listen(hub, log.accountId, null);
      const redis = new Redis(testRedisUrl());
      const subscribed = () =>
        eventually(async () => {
          expect(await redis.pubsub('NUMSUB', EVENTS_CHANNEL)).to.deep.equal([EVENTS_CHANNEL, 1]);
        });
      await subscribed();
      await log.write(1);
      expect(await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')).to.equal(1);
      await log.write(1);
      await got(listener, [2, 3], 2_500);
      await subscribed();
      for (let id = 4; id < 10; id += 1) {
        await log.write(1);
        await got(listener, idsUpTo(id, 2), 300); // sooner than by looking every second
      }
      await redis.publish(EVENTS_CHANNEL, 'nonsense');
      await redis.publish(EVENTS_CHANNEL, '{"a":1}');
      redis.disconnect();
      await log.write(1);
      await got(listener, idsUpTo(10, 2));
    });
  });
});
