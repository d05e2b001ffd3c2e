import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { notificationsQueued, waitingNotifications } from '../../src/metrics.js';
import { connectRedis, workerOptions } from '../../src/redis.js';
import { startWebhooks } from '../../workers/webhooks.js';
import { eventually } from '../support/eventually.js';
import { idsUpTo } from '../support/event-log.js';
import { createTestRedis, type TestRedis } from '../support/redis.js';
import { startTrading, type Trading } from '../support/trading.js';
import { LOCAL_WEBHOOKS, QUICK_TERMS, TestEndpoint } from '../support/webhooks.js';
import { isSigned, WebhookReceiver } from '../support/webhook-receiver.js';

const WORKER = fileURLToPath(new URL('../support/webhook-worker.ts', import.meta.url));

describe('the worker of webhooks', function () {
  this.timeout(40_000);
  let redis: TestRedis;
  let trading: Trading;
  let receiver: WebhookReceiver;

  before(async () => {
    redis = await createTestRedis();
    trading = await startTrading(2, { ...LOCAL_WEBHOOKS, REDIS_URL: redis.url });
  });
  after(async () => {
    await trading.stop();
    await redis.close();
  });
  beforeEach(async () => {
    receiver = await WebhookReceiver.start();
  });
  afterEach(() => receiver.stop());

  it('delivers at the word of the bell, and without it a little later', async () => {
    const endpoint = await TestEndpoint.create(trading, { url: receiver.url });
    const connection = connectRedis(redis.url, workerOptions, () => undefined);
    const delivery = startWebhooks(connection, trading.container, QUICK_TERMS);
    delivery.worker.on('error', () => undefined); // its job goes under it
    try {
      const first = await endpoint.log.write(1);
      await eventually(async () => {
        expect((await endpoint.read()).cursor).to.equal(BigInt(first));
      });
      const written = performance.now();
      await endpoint.log.write(1);
      await receiver.untilTaken(2);
      expect(performance.now() - written, 'sooner than the next look').to.be.lessThan(1_500);

      await trading.container.redis.flushdb(); // jobs are gone, and nobody rings
      const { knex } = trading.container.db;
      await knex.transaction(async (trx) => {
        await trx('accounts').where({ id: endpoint.accountId }).increment('last_event_id', 1);
        await trx('account_events').insert({
          account_id: endpoint.accountId,
          event_id: first + 2,
          type: 'transfer.settled',
          occurred_at: new Date(),
        });
      });
      await receiver.untilTaken(3);
      expect(receiver.taken[2]).to.include({ type: 'transfer.settled', eventId: first + 2 });
      expect(receiver.eventIds).to.deep.equal(idsUpTo(first + 2, first));
    } finally {
      await delivery.stop();
      connection.disconnect();
    }
  });

  it('says how many lines wait for endpoints, and counts an event once however often it is tried', async () => {
    const of = async (metric: typeof notificationsQueued | typeof waitingNotifications) =>
      (await metric.get()).values.find(({ labels }) => labels.channel === 'webhook')?.value ?? 0;
    const endpoint = await TestEndpoint.create(trading, { account: 1, url: receiver.url });
    let isOpen = false;
    receiver.reply = () => Promise.resolve(isOpen ? 204 : 503);
    const before = await of(notificationsQueued);
    await endpoint.log.write(3);
    const connection = connectRedis(redis.url, workerOptions, () => undefined);
    const delivery = startWebhooks(connection, trading.container, QUICK_TERMS);
    delivery.worker.on('error', () => undefined);
    try {
      await eventually(async () => {
        expect(await of(waitingNotifications)).to.equal(3);
        expect((await endpoint.read()).attempts).to.be.greaterThan(1);
      });
      expect((await of(notificationsQueued)) - before, 'tried twice').to.equal(1);
      isOpen = true;
      await receiver.untilTaken(3);
      await eventually(async () => {
        expect(await of(waitingNotifications)).to.equal(0);
      });
      expect((await of(notificationsQueued)) - before).to.equal(3);
    } finally {
      await delivery.stop();
      connection.disconnect();
    }
  });

  it('loses nothing when it is killed, and goes on in order', async () => {
    const [EVENTS, HELD] = [40, 15];
    const endpoint = await TestEndpoint.create(trading, { account: 1, url: receiver.url });
    const last = await endpoint.log.write(EVENTS);
    const held = last - EVENTS + HELD;
    let worker = await startWorker();
    const death = once(worker, 'exit');
    let isHeld = false;
    receiver.reply = async ({ eventId }) => {
      if (eventId !== held || isHeld) return 204;
      isHeld = true;
      await death;
      return 'cut'; // it was on its way, and has not arrived
    };
    await receiver.untilTaken(HELD - 1);
    await eventually(() => {
      if (!isHeld) throw new Error('nothing is on its way');
      return Promise.resolve();
    });
    await kill(worker);
    const jobs = trading.container.redis;
    await jobs.flushdb(); // a dead worker's job would come back by itself, but seconds later
    worker = await startWorker();
    try {
      await eventually(async () => {
        expect((await endpoint.read()).cursor).to.equal(BigInt(last));
      }, 20_000);
    } finally {
      await kill(worker);
    }
    const { eventIds, taken } = receiver;
    expect(eventIds).to.deep.equal(idsUpTo(last, last - EVENTS + 1));
    expect(new Set(taken.map(({ id }) => id)).size).to.equal(EVENTS);
    for (const received of taken) expect(isSigned(endpoint.secret, received)).to.equal(true);
  });

  const startWorker = async (): Promise<ChildProcess> => {
    const { databaseUrl } = trading.container.config;
    const child = fork(WORKER, {
      execArgv: ['--import', 'tsx'],
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: databaseUrl,
        REDIS_URL: redis.url,
        LOG_LEVEL: 'error',
        ...LOCAL_WEBHOOKS,
      },
    });
    const [word] = (await once(child, 'message')) as [string];
    expect(word).to.equal('ready');
    return child;
  };

  const kill = async (child: ChildProcess): Promise<void> => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
});
