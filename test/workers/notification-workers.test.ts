import { expect } from 'chai';
import { Redis } from 'ioredis';
import winston from 'winston';
import type { Worker } from 'bullmq';
import { waitingNotifications } from '../../src/metrics.js';
import { MAX_ATTEMPTS } from '../../src/notifications/deliver.js';
import { createMailer, type Mailer } from '../../src/notifications/mailer.js';
import { notify } from '../../src/notifications/notify.js';
import { sweep } from '../../src/queue/sweeper.js';
import { connectRedis, workerOptions } from '../../src/redis.js';
import { startMailWorker } from '../../workers/mails.js';
import { startNotificationWorker } from '../../workers/notifications.js';
import { createPerson } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { createTestRedis, type TestRedis } from '../support/redis.js';
import { toldTo } from '../support/told.js';
import { startTrading, type Trading } from '../support/trading.js';
import { collector } from './notified.js';
import { startSilentServer } from './smtp-server.js';

const log = winston.createLogger({ silent: true });

describe('the workers of notifications', () => {
  let redis: TestRedis;
  let trading: Trading;
  let direct: Redis;
  let workerRedis: Redis;
  const workers: Worker[] = [];

  before(async () => {
    redis = await createTestRedis();
    direct = new Redis(redis.url);
    workerRedis = connectRedis(redis.url, workerOptions, () => undefined);
    trading = await startTrading(2, { REDIS_URL: redis.url });
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.close()));
    await direct.flushdb();
  });
  after(async () => {
    workerRedis.disconnect();
    await trading.stop();
    direct.disconnect();
    await redis.close();
  });

  const knex = () => trading.container.db.knex;
  const run = (worker: Worker) => {
    worker.on('error', () => undefined);
    workers.push(worker);
  };
  const startGatherer = () => {
    const { nudges } = trading.container;
    const deps = {
      knex: knex(),
      log,
      windowMs: 1_000,
      announce: () => undefined,
      nudgeMails: () => nudges.mails(),
      nudgeAt: (time: Date) => nudges.notificationsAt(time),
    };
    run(startNotificationWorker(workerRedis, deps));
  };
  const startMailing = (mailer: Mailer) => {
    const { db, sealer, nudges } = trading.container;
    const deps = {
      db,
      sealer,
      log,
      mailer,
      config: { mailsPerSecond: 1_000 },
      onDead: (letter: { id: string; reason: string }) => nudges.deadMail(letter),
    };
    run(startMailWorker(workerRedis, deps));
  };
  const trade = async (qty: string, bought = qty): Promise<void> => {
    await trading.place({ account: 0, side: 'sell', qty: bought, price: '150' });
    await trading.place({ account: 1, side: 'buy', qty, price: '150' });
    await trading.settle();
  };
  const clientOf = async (account: number): Promise<string> => {
    const { account_id: id } = trading.accounts[account]!;
    const row = await knex()('accounts').where({ id }).first<{ client_id: string }>('client_id');
    return row.client_id;
  };
  const eventsOf = async (account: number): Promise<string[]> =>
    (await toldTo(trading, await clientOf(account))).map(({ event }) => event);

  it('go on with messages while the mail server is blocked, and orders with their passes', async () => {
    const server = await startSilentServer();
    const mailer = createMailer({ smtpUrl: server.url, mailFrom: 'x@example.com', dataDir: '' });
    startGatherer();
    startMailing(mailer);
    try {
      await trade('1');
      await eventually(async () => {
        const delivery = (await knex()('message_deliveries').first()) as object;
        expect(delivery, 'a mail is under way').to.include({ attempts: 1, delivered_at: null });
      });
      await trade('2');
      await eventually(async () => {
        expect(await eventsOf(0)).to.deep.equal(['order.filled', 'order.filled']);
      }, 3_000);
    } finally {
      await server.close();
      mailer.close();
    }
  });

  it('close a window by themselves when its time has come', async () => {
    startGatherer();
    await trade('2', '1');
    await eventually(async () => {
      expect((await eventsOf(1)).at(-1)).to.equal('order.partially_filled');
    }, 4_000);
  });

  it('show a dead letter as a failed job on Bull Board, of which Retry redrives it', async () => {
    const person = await createPerson(trading);
    const data = { at: new Date().toISOString(), ip: null, device: null, detail: null };
    await knex()('message_deliveries').delete();
    await knex().transaction((trx) =>
      notify(trx, { clientId: person.id, event: 'security.password_changed', data }),
    );
    await knex()('message_deliveries').update({ attempts: MAX_ATTEMPTS - 1 });
    let broken = true;
    const { mails, mailer } = collector(() => {
      if (broken) throw new Error('550 no such mailbox');
    });
    startMailing(mailer);
    const { mailQueue } = trading.container.nudges;
    trading.container.nudges.mails();
    await eventually(async () => {
      expect(await mailQueue.getFailedCount()).to.equal(1);
    });
    const [job] = await mailQueue.getFailed();
    expect(job!.failedReason).to.equal('the mail was given up: 550 no such mailbox');
    broken = false;
    await job!.retry('failed'); // as Bull Board does
    await eventually(async () => {
      expect(mails.map(({ to }) => to)).to.deep.equal([person.email]);
      expect(await mailQueue.getFailedCount()).to.equal(0);
      await Promise.resolve();
    });
  });

  it('are rung for again when their jobs are lost, each for itself', async () => {
    const { db, nudges } = trading.container;
    await knex()('message_deliveries').delete();
    const waiting = async () => ({
      facts: await nudges.notificationQueue.getDelayedCount(),
      mails: await nudges.mailQueue.getWaitingCount(),
    });
    await knex()('notifications').update({ delivered_at: new Date() });
    await trade('1');
    await eventually(async () => {
      expect(await waiting()).to.deep.equal({ facts: 1, mails: 0 });
    });
    await direct.flushdb();
    await sweep(db.knex, nudges);
    expect(await waiting(), 'not overdue yet').to.deep.equal({ facts: 0, mails: 0 });
    const past = new Date(Date.now() - 5_000);
    await knex()('notifications').whereNull('delivered_at').update({ due_at: past });
    await sweep(db.knex, nudges);
    await eventually(async () => {
      expect(await waiting()).to.deep.equal({ facts: 1, mails: 0 });
    });
    await direct.flushdb();
    await knex()('notifications').update({ delivered_at: new Date() });
    const person = await createPerson(trading);
    const data = { at: new Date().toISOString(), ip: null, device: null, detail: null };
    await knex().transaction((trx) =>
      notify(trx, { clientId: person.id, event: 'security.password_changed', data }),
    );
    await knex()('message_deliveries').update({ due_at: past });
    await sweep(db.knex, nudges);
    await eventually(async () => {
      expect(await waiting()).to.deep.equal({ facts: 0, mails: 1 });
    });
  });

  it('say how many wait, by channel', async () => {
    const { db, nudges } = trading.container;
    const waiting = async () => {
      await sweep(db.knex, nudges);
      const { values } = await waitingNotifications.get();
      const of = (name: string) =>
        values.find(({ labels }) => labels.channel === name)?.value ?? NaN;
      return { facts: of('in_app'), mails: of('email') };
    };
    await knex()('notifications').update({ delivered_at: new Date() });
    const before = await waiting();
    expect(before.facts).to.equal(0);
    await trade('1'); // two orders
    const person = await createPerson(trading);
    const data = { at: new Date().toISOString(), ip: null, device: null, detail: null };
    await knex().transaction((trx) =>
      notify(trx, { clientId: person.id, event: 'security.password_changed', data }),
    );
    await eventually(async () => {
      expect(await waiting()).to.deep.equal({ facts: 2, mails: before.mails + 1 });
    });
  });
});
