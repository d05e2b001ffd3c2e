import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Counter } from 'prom-client';
import winston from 'winston';
import { connectDatabase, type Database } from '../../src/db.js';
import {
  LEASE_MS,
  MAX_ATTEMPTS,
  nextAttempt,
  type DeadLetter,
  type DeliverDeps,
} from '../../src/notifications/deliver.js';
import { deliverMessages, RECEIVER_PAUSE_MS } from '../../src/notifications/deliver-messages.js';
import { claimDeliveries } from '../../src/notifications/delivery-claims.js';
import { MailRefused } from '../../src/notifications/mail-refused.js';
import { createMailer, type Mailer } from '../../src/notifications/mailer.js';
import { notificationsFailed, notificationsQueued, notificationsSent } from '../../src/metrics.js';
import { createTestDatabase } from '../support/database.js';
import { collector, later, newDevice, Notified, NOW, orderTold } from './notified.js';
import { startSmtpServer } from './smtp-server.js';

const log = winston.createLogger({ silent: true });

describe('mailing messages', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let db: Database;
  let build: Notified;

  before(async function () {
    this.timeout(60_000);
    database = await createTestDatabase();
    db = connectDatabase(database.url, 'mailing-test');
    build = await Notified.in(db.knex);
  });
  after(async () => {
    await db.close();
    database.drop();
  });
  beforeEach(() => build.clear());

  const deps = (mailer: Mailer, more: Partial<DeliverDeps> = {}): DeliverDeps => ({
    db,
    mailer,
    log,
    config: { mailsPerSecond: 1_000 },
    now: () => NOW,
    ...more,
  });
  const at = (ms: number) => ({ now: () => later(ms) });
  const claimAt = (ms: number) =>
    claimDeliveries(db.knex, {
      now: later(ms),
      leaseMs: LEASE_MS,
      receiversMax: 10,
      mailedBefore: later(ms - RECEIVER_PAUSE_MS),
    });

  it('sends one mail a receiver for all orders, one for each other message, and marks them', async () => {
    const [ada, bob] = [await build.account('Ada'), await build.account('Bob')];
    const ids = [
      await build.tell(ada, orderTold()),
      await build.tell(ada, newDevice),
      await build.tell(ada, orderTold({ side: 'sell', symbol: 'KO' })),
      await build.tell(bob, orderTold()),
    ];
    const { mails, mailer } = collector();

    expect(await deliverMessages(deps(mailer), 10)).to.equal(4);
    expect(await deliverMessages(deps(mailer), 10)).to.equal(0);

    const toAda = mails.filter(({ to }) => to === ada.email);
    expect(toAda).to.have.length(2);
    const digest = toAda.find(({ subject }) => subject === 'News of 2 orders')!;
    expect(digest.text.split('\n').slice(0, 8)).to.deep.equal([
      'Hello Ada,',
      '',
      `there is news of 2 orders of your account ${ada.id.slice(0, 8)}:`,
      '',
      'Bought 2 AAPL at 150.25 USD',
      '  value 300.5 USD, fees 0 USD, executions: 1',
      'Sold 2 KO at 150.25 USD',
      '  value 300.5 USD, fees 0 USD, executions: 1',
    ]);
    const [toBob] = mails.filter(({ to }) => to === bob.email);
    expect(toBob!.subject).to.equal('Bought 2 AAPL at 150.25 USD');
    for (const id of ids) {
      expect(await build.delivery(id)).to.deep.include({
        delivered_at: NOW,
        attempts: 1,
        last_error: null,
      });
    }
  });

  it('writes to clients in their language', async () => {
    const ada = await build.account('Ada');
    await db.knex('clients').where({ id: ada.clientId }).update({ language: 'fr' });
    await build.tell(ada, orderTold());
    await build.tell(ada, orderTold());
    const { mails, mailer } = collector();
    await deliverMessages(deps(mailer), 10);
    expect(mails[0]!.subject).to.equal('Nouvelles de 2 ordres');
  });

  it('shows a name as it is and never as HTML, and lists a hundred orders at most', async () => {
    const ada = await build.account('<b>O\'Neil & "Co"</b>');
    for (let n = 0; n < 130; n += 1) await build.tell(ada, orderTold());
    const { mails, mailer } = collector();
    await deliverMessages(deps(mailer), 10);
    const { text, html } = mails[0]!;
    expect(text).to.include('Hello <b>O\'Neil & "Co"</b>,');
    expect(html).to.include('Hello &lt;b&gt;O&#39;Neil &amp; &quot;Co&quot;&lt;/b&gt;,');
    expect(html).not.to.include('<b>');
    expect(text.match(/^Bought /gm)).to.have.length(100);
    expect(text).to.include('... and 30 more');
  });

  it('sends a receiver no other mail for a while; what comes meanwhile shares the next', async () => {
    const ada = await build.account();
    const { mails, mailer } = collector();
    await build.tell(ada, orderTold());
    await deliverMessages(deps(mailer), 10);
    for (let n = 0; n < 5; n += 1) await build.tell(ada, orderTold(), later(n));
    expect(await deliverMessages(deps(mailer, at(RECEIVER_PAUSE_MS - 1)), 10)).to.equal(0);
    expect(await deliverMessages(deps(mailer, at(RECEIVER_PAUSE_MS)), 10)).to.equal(5);
    expect(mails.map(({ subject }) => subject)).to.deep.equal([
      'Bought 2 AAPL at 150.25 USD',
      'News of 5 orders',
    ]);
  });

  it('sends as many mails as asked for, to whoever waits longest, with all that waits for them', async () => {
    const [ada, bob] = [await build.account(), await build.account()];
    await build.tell(bob, orderTold(), later(-1_000));
    await build.tell(ada, orderTold(), later(-2_000));
    await build.tell(ada, orderTold());
    const { mails, mailer } = collector();

    expect(await deliverMessages(deps(mailer), 1)).to.equal(2);
    expect(mails.map(({ to }) => to)).to.deep.equal([ada.email]);
    expect(await deliverMessages(deps(mailer), 1)).to.equal(1);
    expect(mails.map(({ to }) => to)).to.deep.equal([ada.email, bob.email]);
  });

  it('mails every message once when several workers send at a time', async function () {
    this.timeout(20_000);
    const people = await Promise.all(Array.from({ length: 20 }, () => build.account()));
    for (const person of [...people, ...people]) await build.tell(person, newDevice);
    const { mails, mailer } = collector(() => sleep(2));
    const drain = async () => {
      let [claimed, all] = [0, 0];
      do {
        claimed = await deliverMessages(deps(mailer), 3);
        all += claimed;
      } while (claimed > 0);
      return all;
    };

    const told = await Promise.all([drain(), drain(), drain(), drain()]);

    expect(told.reduce((sum, one) => sum + one)).to.equal(40);
    expect(mails).to.have.length(40);
  });

  it('puts off what fails, records why, and sends the others', async () => {
    const [ada, bob] = [await build.account(), await build.account()];
    const failing = await build.tell(ada, orderTold());
    const fine = await build.tell(bob, orderTold());
    let broken = true;
    const { mails, mailer } = collector(({ to }) => {
      if (broken && to === ada.email) throw new Error('421 try again\0later');
    });

    expect(await deliverMessages(deps(mailer), 10)).to.equal(2);

    expect(mails.map(({ to }) => to)).to.deep.equal([bob.email]);
    expect((await build.delivery(fine))!.delivered_at).to.deep.equal(NOW);
    const row = (await build.delivery(failing))!;
    expect(row).to.include({ attempts: 1, delivered_at: null, last_error: '421 try againlater' });
    expect(row.due_at.getTime() - NOW.getTime()).to.be.within(2_500, 5_000);

    broken = false;
    const next = await build.tell(ada, orderTold(), later(1));
    expect(await deliverMessages(deps(mailer, at(1)), 10), 'in its order').to.equal(0);
    expect(await deliverMessages(deps(mailer, at(5_000)), 10)).to.equal(2);
    expect(await build.delivery(failing)).to.include({ attempts: 2, last_error: null });
    expect((await build.delivery(next))!.delivered_at).to.deep.equal(later(5_000));
  });

  it('gives up after the last attempt, keeps the reason, and lets the next ones pass', async () => {
    const ada = await build.account();
    const id = await build.tell(ada, orderTold());
    await db.knex('message_deliveries').update({ attempts: MAX_ATTEMPTS - 1 });
    let broken = true;
    const { mails, mailer } = collector(() => {
      if (broken) throw new Error('550 no such mailbox');
    });
    const dead: DeadLetter[] = [];

    await deliverMessages(deps(mailer, { onDead: (letter) => dead.push(letter) }), 10);

    expect(dead).to.deep.equal([{ id, reason: '550 no such mailbox' }]);
    expect(await build.delivery(id)).to.deep.include({
      attempts: MAX_ATTEMPTS,
      delivered_at: null,
      dead_at: NOW,
      last_error: '550 no such mailbox',
    });
    broken = false;
    await build.tell(ada, orderTold(), later(1));
    expect(await deliverMessages(deps(mailer, at(365 * 86_400_000)), 10)).to.equal(1);
    expect(mails).to.have.length(1);
  });

  it('leaves claimed messages alone until the lease of a worker that died runs out', async () => {
    const ada = await build.account();
    const id = await build.tell(ada, orderTold());
    expect(await claimAt(0)).to.have.length(1); // and then the worker was killed
    const { mails, mailer } = collector();

    expect(await deliverMessages(deps(mailer, at(LEASE_MS - 1)), 10)).to.equal(0);
    expect(await deliverMessages(deps(mailer, at(LEASE_MS)), 10)).to.equal(1);

    expect(mails).to.have.length(1);
    expect((await build.delivery(id))!.attempts).to.equal(2);
  });

  it('holds neither a transaction nor a lock while a mail is under way', async () => {
    const ada = await build.account();
    const id = await build.tell(ada, orderTold());
    const { mails, mailer } = collector(async () => {
      const { rows } = await db.knex.raw<{ rows: { open: bigint }[] }>(`
        select count(*) as open from pg_stat_activity
        where application_name like 'brokerx-mailing-test%'
          and pid <> pg_backend_pid() and state <> 'idle'`);
      expect(rows[0]!.open).to.equal(0n);
      await db.knex.raw('select 1 from message_deliveries where message_id = ? for update nowait', [
        id,
      ]);
    });

    await deliverMessages(deps(mailer), 10);

    expect(mails).to.have.length(1);
  });

  it('sends no more mails a second than it may, over several calls', async () => {
    const people = await Promise.all(Array.from({ length: 6 }, () => build.account()));
    for (const person of people) await build.tell(person, orderTold());
    const times: number[] = [];
    const { mailer } = collector(() => {
      times.push(performance.now());
    });
    const slow = deps(mailer, { config: { mailsPerSecond: 20 } });

    while ((await deliverMessages(slow, 2)) > 0);

    expect(times).to.have.length(6);
    const lasted = times.at(-1)! - times[0]!;
    expect(lasted, 'milliseconds from the first to the sixth').to.be.greaterThan(5 * 50 - 20);
  });

  it('counts what was asked for, sent and failed, by channel and reason', async () => {
    const count = async (metric: Counter, labels: object): Promise<number> =>
      (await metric.get()).values
        .filter((one) => Object.entries(labels).every(([name, is]) => is === one.labels[name]))
        .reduce((sum, { value }) => sum + value, 0);
    const read = async () => ({
      queued: await count(notificationsQueued, { channel: 'email' }),
      sent: await count(notificationsSent, { channel: 'email' }),
      shown: await count(notificationsSent, { channel: 'in_app' }),
      refused: await count(notificationsFailed, { channel: 'email', reason: 'busy' }),
    });
    const before = await read();
    const [ada, bob] = [await build.account(), await build.account()];
    await build.tell(ada, orderTold());
    await build.tell(bob, orderTold());
    const { mailer } = collector(({ to }) => {
      if (to === bob.email) throw new MailRefused('busy', '451 later');
    });
    await deliverMessages(deps(mailer), 10);
    const { queued, sent, shown, refused } = before;
    expect(await read()).to.deep.equal({
      queued: queued + 2,
      sent: sent + 1,
      shown: shown + 2,
      refused: refused + 1,
    });
  });

  describe('over SMTP', () => {
    it('reaches the server; what the server refuses is put off', async () => {
      const [ada, bob] = [await build.account(), await build.account()];
      const refused = await build.tell(bob, orderTold());
      await build.tell(ada, orderTold());
      const server = await startSmtpServer((recipient) => recipient !== bob.email);
      const mailer = createMailer({ smtpUrl: server.url, mailFrom: 'x@example.com', dataDir: '' });
      try {
        await deliverMessages(deps(mailer), 10);

        expect(server.mails).to.have.length(1);
        expect(server.mails[0]).to.include(`To: ${ada.email}`);
        expect(server.mails[0]).to.include('Subject: Bought 2 AAPL at 150.25 USD');
        expect((await build.delivery(refused))!.last_error).to.include('550');
      } finally {
        mailer.close();
        await server.close();
      }
    });

    it('is put off while no server answers', async () => {
      const server = await startSmtpServer();
      await server.close();
      const ada = await build.account();
      const id = await build.tell(ada, orderTold());
      const mailer = createMailer({ smtpUrl: server.url, mailFrom: 'x@example.com', dataDir: '' });

      await deliverMessages(deps(mailer), 10);

      mailer.close();
      expect((await build.delivery(id))!.last_error).to.match(/ECONNREFUSED/);
    });
  });
});

describe('the pause after a failure', () => {
  const pause = (attempts: number, random: number) =>
    nextAttempt(attempts, NOW, random)!.getTime() - NOW.getTime();

  it('doubles from 5 seconds up to an hour', () => {
    expect([1, 2, 3, 10, 11, 20].map((attempts) => pause(attempts, 0) / 1_000)).to.deep.equal([
      5, 10, 20, 2_560, 3_600, 3_600,
    ]);
  });

  it('is between half of that and all of it, and ends after the last attempt', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_ATTEMPTS - 1 }), random, (attempts, one) => {
        expect(pause(attempts, one)).to.be.within(pause(attempts, 0) / 2 - 1, pause(attempts, 0));
      }),
    );
    expect(nextAttempt(MAX_ATTEMPTS, NOW, 0)).to.equal(null);
  });
});
