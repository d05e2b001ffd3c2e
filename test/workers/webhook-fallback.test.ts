import { expect } from 'chai';
import type { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { createLogger } from '../../src/log.js';
import { createMailer, type Mailer } from '../../src/notifications/mailer.js';
import { notifyAll } from '../../src/notifications/notify.js';
import { changePreferences, type PreferenceChanges } from '../../src/notifications/preferences.js';
import { changeEndpoint } from '../../src/webhooks/service.js';
import { connectRedis, workerOptions } from '../../src/redis.js';
import { startMailWorker } from '../../workers/mails.js';
import { startNotificationWorker } from '../../workers/notifications.js';
import { startWebhooks, type WebhookDelivery } from '../../workers/webhooks.js';
import { eventually } from '../support/eventually.js';
import { createTestRedis, type TestRedis } from '../support/redis.js';
import { toldTo } from '../support/told.js';
import { startTrading, type Trading } from '../support/trading.js';
import { LOCAL_WEBHOOKS, QUICK_TERMS, TestEndpoint } from '../support/webhooks.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';
import { startSmtpServer, type SmtpServer } from './smtp-server.js';

const GIVE_UP_MS = 3_000;
const WAITING = 10_000;
const TOLD_MAX = 500;
const log = createLogger('error', 'test');
log.silent = true;

describe('events that a webhook does not take, by way of all workers', function () {
  this.timeout(40_000);
  let redis: TestRedis;
  let connection: Redis;
  let trading: Trading;
  let smtp: SmtpServer;
  let mailer: Mailer;
  let webhooks: WebhookDelivery;
  let workers: Worker[];
  let receiver: WebhookReceiver;

  before(async () => {
    redis = await createTestRedis();
    connection = connectRedis(redis.url, workerOptions, () => undefined);
    trading = await startTrading(4, { ...LOCAL_WEBHOOKS, REDIS_URL: redis.url });
    smtp = await startSmtpServer();
    const { container } = trading;
    const { db, sealer, nudges } = container;
    mailer = createMailer({ smtpUrl: smtp.url, mailFrom: 'x@example.com', dataDir: '' });
    workers = [
      startNotificationWorker(connection, {
        knex: db.knex,
        log,
        windowMs: 0,
        announce: () => undefined,
        nudgeMails: () => nudges.mails(),
        nudgeAt: (time) => nudges.notificationsAt(time),
      }),
      startMailWorker(connection, { db, sealer, log, mailer, config: { mailsPerSecond: 1_000 } }),
    ];
    const terms = { ...QUICK_TERMS, giveUpMs: GIVE_UP_MS };
    webhooks = startWebhooks(connection, container, terms);
    receiver = await WebhookReceiver.start();
  });
  after(async () => {
    await webhooks.stop();
    await Promise.all(workers.map((worker) => worker.close()));
    mailer.close();
    connection.disconnect();
    await receiver.stop();
    await smtp.close();
    await trading.stop();
    await redis.close();
  });

  const knex = () => trading.container.db.knex;
  /** A client who is told of nothing by mail that can be told otherwise, with an endpoint. */
  const open = async (
    account: number,
    events: string[],
    more: PreferenceChanges['events'] = {},
  ) => {
    const endpoint = await TestEndpoint.create(trading, { account, url: receiver.url, events });
    const { clientId, accountId } = endpoint.caller;
    const off = { email: false };
    const wishes = { 'order.filled': off, 'transfer.settled': off, 'transfer.failed': off };
    await knex().transaction((trx) =>
      changePreferences(
        trx,
        { clientId, accountId },
        { events: { ...wishes, ...more } },
        new Date(),
      ),
    );
    const { email } = await knex()('clients')
      .where({ id: clientId })
      .first<{ email: string }>('email');
    return { endpoint, clientId, accountId, email };
  };
  /** As its owner does. */
  const turn = async ({ id, caller }: TestEndpoint, to: 'on' | 'off'): Promise<void> => {
    const { sealer, config } = trading.container;
    const deps = { knex: knex(), sealer, rules: config.webhooks };
    await changeEndpoint(deps, caller, id, { enabled: to === 'on' });
  };
  const buy = async (account: number, times = 1): Promise<void> => {
    for (let n = 0; n < times; n += 1) {
      await trading.place({ account: 3, side: 'sell', qty: '1', price: '150' });
      await trading.place({ account, side: 'buy', qty: '1', price: '150' });
    }
    await trading.settle();
  };
  /** Subjects of the mails that have arrived. */
  const arrived = (address: string): string[] =>
    smtp.mails
      .filter((mail) => mail.includes(`To: ${address}`))
      .map((mail) => /^Subject: (.*)$/m.exec(mail)![1]!)
      .sort();
  const until = (check: () => void, withinMs = 20_000): Promise<void> =>
    eventually(async () => {
      check();
      await Promise.resolve();
    }, withinMs);

  it('are mailed once their last attempt has failed, and not before', async () => {
    receiver.reply = () => 500;
    const { endpoint, email, clientId } = await open(0, ['fill']);
    await buy(0);
    const bought = 'Bought 1 AAPL at 150 USD';
    await eventually(async () => {
      const [delivery] = await endpoint.deliveries();
      if (delivery?.status !== 'dead') expect(arrived(email)).not.to.include(bought);
      expect(delivery).to.include({ status: 'dead' });
    });
    const [dead] = await endpoint.deliveries();
    expect(dead!.attempts, 'it was tried for all that time').to.be.greaterThan(1);
    await until(() => expect(arrived(email)).to.include(bought));
    expect(arrived(email)).to.deep.equal([bought, 'A webhook was set up for your account'].sort());
    const told = await toldTo(trading, clientId);
    expect(told.filter(({ hasMail }) => hasMail)).to.have.lengthOf(1);
  });

  it('are few mails when 10,000 wait for an endpoint that is turned off', async () => {
    receiver.reply = () => 410;
    const { endpoint, email, clientId } = await open(1, ['*']);
    await turn(endpoint, 'off');
    await buy(1, 25);
    await endpoint.log.write(WAITING);
    const filled = async () =>
      (await toldTo(trading, clientId)).filter(({ event }) => event === 'order.filled').length;
    await eventually(async () => {
      expect(await filled()).to.equal(25);
    });
    await turn(endpoint, 'on');
    await until(() =>
      expect(arrived(email)).to.deep.equal([
        'A webhook of your account was turned off',
        'A webhook was set up for your account',
        `News of 25 orders`,
      ]),
    );
    const { cursor } = await endpoint.read();
    const off = smtp.mails.find((mail) => mail.includes('turned off') && mail.includes(email))!;
    expect(off.replaceAll('=\n', '').replaceAll('=3D', '=')).to.include(`?since_id=${cursor}`);
  });

  it('are told up to 500, and only those that were chosen for webhooks', async () => {
    const chosen = { 'transfer.failed': { email: false, webhook: false } };
    const { endpoint, clientId, accountId } = await open(2, ['transfer.*'], chosen);
    await turn(endpoint, 'off');
    await endpoint.log.write(2_000); // lines that the filter does not want
    const data = {
      transfer_id: accountId,
      direction: 'deposit',
      amount: '1',
      bank_account: 'a bank',
      reason: null,
      owed: null,
    } as const;
    await knex().transaction((trx) =>
      notifyAll(
        trx,
        Array.from({ length: WAITING }, (_, n) => {
          const event = n % 4 === 0 ? 'transfer.failed' : 'transfer.settled';
          return { clientId, accountId, event, data };
        }),
        new Date(),
      ),
    );
    await Promise.all(workers.map((worker) => worker.pause()));
    await turn(endpoint, 'on');
    await eventually(async () => {
      expect(await endpoint.read()).to.include({ enabled: false, disabledReason: 'gone' });
    }, 20_000);
    const told = await toldTo(trading, clientId);
    expect(told).to.have.lengthOf(WAITING);
    const events = told.map((one, n) => ({ ...one, n })).filter(({ hasMail }) => hasMail);
    expect(events).to.have.lengthOf(TOLD_MAX);
    expect(new Set(events.map(({ event }) => event))).to.deep.equal(new Set(['transfer.settled']));
    expect(events.at(-1)!.n, 'the first that wait').to.equal(Math.ceil((TOLD_MAX * 4) / 3) - 1);
    await knex()('message_deliveries').where({ client_id: clientId }).delete();
    for (const worker of workers) void worker.resume();
  });
});
