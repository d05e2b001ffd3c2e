import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import winston from 'winston';
import { connectDatabase, type Database } from '../../src/db.js';
import { claimDue } from '../../src/notifications/claims.js';
import {
  deliverDue,
  LEASE_MS,
  MAX_ATTEMPTS,
  nextAttempt,
  type DeliverDeps,
} from '../../src/notifications/deliver.js';
import { createMailer, type Mailer } from '../../src/notifications/mailer.js';
import { createTestDatabase } from '../support/database.js';
import { collector, Notified, NOW } from './notified.js';
import { startSmtpServer } from './smtp-server.js';

const log = winston.createLogger({ silent: true });
const later = (ms: number) => new Date(NOW.getTime() + ms);

describe('delivering notifications', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let db: Database;
  let build: Notified;

  before(async function () {
    this.timeout(60_000);
    database = await createTestDatabase();
    db = connectDatabase(database.url, 'notifications-test');
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

  it('sends one mail an account with one line an order, and marks what it told', async () => {
    const ada = await build.account('Ada');
    const bob = await build.account('Bob');
    const [first, second] = [await build.order(ada.id), await build.order(ada.id, 'sell')];
    const ids = [
      await build.notification({ accountId: ada.id, orderId: first, executions: 2 }),
      await build.notification({ accountId: ada.id, orderId: second, qty: '0.5', value: '75' }),
      await build.notification({
        accountId: ada.id,
        orderId: first,
        qty: '8',
        value: '1202.04',
        fees: '0.3',
        status: 'filled',
      }),
      await build.notification({ accountId: bob.id }),
    ];
    const { mails, mailer } = collector();

    expect(await deliverDue(deps(mailer), 10)).to.equal(4);
    expect(await deliverDue(deps(mailer), 10)).to.equal(0);

    const mail = mails.find(({ to }) => to === ada.email)!;
    expect(mail.subject).to.equal('2 orders were executed');
    expect(mail.text.split('\n').slice(0, 10)).to.deep.equal([
      'Hello Ada,',
      '',
      `2 orders of your account ${ada.id.slice(0, 8)} were executed:`,
      '',
      'Bought 10 AAPL at 150.254 USD',
      '  value 1502.54 USD, fees 0.3 USD, 3 executions, filled',
      'Sold 0.5 AAPL at 150 USD',
      '  value 75 USD, fees 0 USD, 1 execution, partially filled',
      '',
      'Total value 1577.54 USD,',
    ]);
    expect(mail.html).to.include('<td align="right">150.254</td>');
    expect(mails.map(({ to }) => to)).to.have.members([ada.email, bob.email]);
    expect(mails.find(({ to }) => to === bob.email)!.subject).to.equal(
      'Bought 2 AAPL at 150.25 USD',
    );
    for (const id of ids) {
      expect(await build.reload(id)).to.deep.include({
        delivered_at: NOW,
        attempts: 1,
        last_error: null,
      });
    }
  });

  it('leaves what is not due yet', async () => {
    const ada = await build.account();
    await build.notification({ accountId: ada.id, dueAt: later(1) });
    const { mails, mailer } = collector();

    expect(await deliverDue(deps(mailer), 10)).to.equal(0);
    expect(mails).to.deep.equal([]);
    expect(await deliverDue(deps(mailer, { now: () => later(1) }), 10)).to.equal(1);
  });

  it('sends none to clients who want none, not even later, and to all others', async () => {
    const [ada, bob] = [await build.account('Ada'), await build.account('Bob')];
    const confirm = (choice: 'all' | 'none') =>
      db
        .knex('account_configurations')
        .insert({ account_id: ada.id, trade_confirm_email: choice })
        .onConflict('account_id')
        .merge();
    await confirm('none');
    const unwanted = await build.notification({ accountId: ada.id });
    await build.notification({ accountId: bob.id });
    const { mails, mailer } = collector();

    expect(await deliverDue(deps(mailer), 10)).to.equal(1);
    await confirm('all');
    await build.notification({ accountId: ada.id, qty: '5', value: '50' });
    expect(await deliverDue(deps(mailer), 10)).to.equal(1);
    expect(await deliverDue(deps(mailer, { now: () => later(86_400_000) }), 10)).to.equal(0);

    expect(mails.map(({ to, subject }) => [to, subject])).to.deep.equal([
      [bob.email, 'Bought 2 AAPL at 150.25 USD'],
      [ada.email, 'Bought 5 AAPL at 10 USD'],
    ]);
    expect(await build.reload(unwanted)).to.deep.include({
      delivered_at: null,
      attempts: 0,
      due_at: Infinity,
      last_error: 'the client wants no mails about executions',
    });
  });

  it('claims nothing of clients who want none, also what comes up in between', async () => {
    const ada = await build.account();
    await db
      .knex('account_configurations')
      .insert({ account_id: ada.id, trade_confirm_email: 'none' });
    await build.notification({ accountId: ada.id });

    expect(await claimDue(db.knex, NOW, LEASE_MS, 10)).to.deep.equal([]);
  });

  it('sends as many mails as asked for, to whoever waits longest, with all that is due to them', async () => {
    const [ada, bob] = [await build.account(), await build.account()];
    await build.notification({ accountId: bob.id, dueAt: later(-1_000) });
    await build.notification({ accountId: ada.id, dueAt: later(-2_000) });
    await build.notification({ accountId: ada.id });
    const { mails, mailer } = collector();

    expect(await deliverDue(deps(mailer), 1)).to.equal(2);
    expect(mails.map(({ to }) => to)).to.deep.equal([ada.email]);
    expect(await deliverDue(deps(mailer), 1)).to.equal(1);
    expect(mails.map(({ to }) => to)).to.deep.equal([ada.email, bob.email]);
  });

  it('tells every notification once when several workers deliver at a time', async function () {
    this.timeout(20_000);
    const accounts = await Promise.all(Array.from({ length: 20 }, () => build.account()));
    for (const { id } of [...accounts, ...accounts]) await build.notification({ accountId: id });
    const { mails, mailer } = collector(() => sleep(2));
    const drain = async () => {
      let [claimed, all] = [0, 0];
      do {
        claimed = await deliverDue(deps(mailer), 3);
        all += claimed;
      } while (claimed > 0);
      return all;
    };

    const told = await Promise.all([drain(), drain(), drain(), drain()]);
    told.push(await drain());

    expect(told.reduce((sum, one) => sum + one)).to.equal(40);
    const lines = mails.flatMap(({ text }) => text.match(/^(Bought|Sold) /gm) ?? []);
    expect(lines).to.have.length(40);
  });

  it('puts off what fails, records why, and delivers the others', async () => {
    const [ada, bob] = [await build.account(), await build.account()];
    const failing = await build.notification({ accountId: ada.id, dueAt: later(-1) });
    const fine = await build.notification({ accountId: bob.id });
    let broken = true;
    const { mails, mailer } = collector(({ to }) => {
      if (broken && to === ada.email) throw new Error('421 try again\0later');
    });

    expect(await deliverDue(deps(mailer), 10)).to.equal(2);

    expect(mails.map(({ to }) => to)).to.deep.equal([bob.email]);
    expect((await build.reload(fine)).delivered_at).to.deep.equal(NOW);
    const row = await build.reload(failing);
    expect(row).to.include({ attempts: 1, delivered_at: null, last_error: '421 try againlater' });
    expect(row.due_at.getTime() - NOW.getTime()).to.be.within(2_500, 5_000);

    broken = false;
    expect(await deliverDue(deps(mailer), 10)).to.equal(0);
    expect(await deliverDue(deps(mailer, { now: () => later(5_000) }), 10)).to.equal(1);
    expect(await build.reload(failing)).to.include({ attempts: 2, last_error: null });
    expect((await build.reload(failing)).delivered_at).to.deep.equal(later(5_000));
  });

  it('gives up after the last attempt and keeps the reason', async () => {
    const ada = await build.account();
    const id = await build.notification({ accountId: ada.id, attempts: MAX_ATTEMPTS - 1 });
    const { mailer } = collector(() => {
      throw new Error('550 no such mailbox');
    });

    await deliverDue(deps(mailer), 10);

    const inAYear = () => later(365 * 86_400_000);
    expect(await deliverDue(deps(mailer, { now: inAYear }), 10)).to.equal(0);
    expect(await build.reload(id)).to.include({
      attempts: MAX_ATTEMPTS,
      delivered_at: null,
      last_error: '550 no such mailbox',
    });
  });

  it('leaves claimed rows alone until the lease of a worker that died runs out', async () => {
    const ada = await build.account();
    const id = await build.notification({ accountId: ada.id });
    await claimDue(db.knex, NOW, LEASE_MS, 10); // and then the worker was killed
    const { mails, mailer } = collector();

    const atTheEnd = () => later(LEASE_MS - 1);
    expect(await deliverDue(deps(mailer, { now: atTheEnd }), 10)).to.equal(0);
    expect(await deliverDue(deps(mailer, { now: () => later(LEASE_MS) }), 10)).to.equal(1);

    expect(mails).to.have.length(1);
    expect((await build.reload(id)).attempts).to.equal(2);
  });

  it('holds neither a transaction nor a lock while a mail is under way', async () => {
    const ada = await build.account();
    const id = await build.notification({ accountId: ada.id });
    const { mails, mailer } = collector(async () => {
      const { rows } = await db.knex.raw<{ rows: { open: bigint }[] }>(`
        select count(*) as open from pg_stat_activity
        where application_name like 'brokerx-notifications-test%'
          and pid <> pg_backend_pid() and state <> 'idle'`);
      expect(rows[0]!.open).to.equal(0n);
      await db.knex.raw('select 1 from notifications where id = ? for update nowait', [
        id.toString(),
      ]);
    });

    await deliverDue(deps(mailer), 10);

    expect(mails).to.have.length(1);
  });

  it('sends no more mails a second than it may, over several calls', async () => {
    const accounts = await Promise.all(Array.from({ length: 6 }, () => build.account()));
    for (const { id } of accounts) await build.notification({ accountId: id });
    const times: number[] = [];
    const { mailer } = collector(() => {
      times.push(performance.now());
    });
    const slow = deps(mailer, { config: { mailsPerSecond: 20 } });

    while ((await deliverDue(slow, 2)) > 0);

    expect(times).to.have.length(6);
    const gaps = times.slice(1).map((time, n) => time - times[n]!);
    expect(Math.min(...gaps), 'milliseconds between two mails').to.be.greaterThan(47);
  });

  describe('over SMTP', () => {
    it('reaches the server; what the server refuses is put off', async () => {
      const [ada, bob] = [await build.account(), await build.account()];
      const refused = await build.notification({ accountId: bob.id });
      await build.notification({ accountId: ada.id });
      const server = await startSmtpServer((recipient) => recipient !== bob.email);
      const mailer = createMailer({ smtpUrl: server.url, mailFrom: 'x@example.com', dataDir: '' });
      try {
        await deliverDue(deps(mailer), 10);

        expect(server.mails).to.have.length(1);
        expect(server.mails[0]).to.include(`To: ${ada.email}`);
        expect(server.mails[0]).to.include('Subject: Bought 2 AAPL at 150.25 USD');
        expect((await build.reload(refused)).last_error).to.include('550');
        expect(await build.reload(refused)).to.deep.include({ due_at: Infinity }); // not tried again
      } finally {
        mailer.close();
        await server.close();
      }
    });

    it('is put off while no server answers', async () => {
      const server = await startSmtpServer();
      await server.close();
      const ada = await build.account();
      const id = await build.notification({ accountId: ada.id });
      const mailer = createMailer({ smtpUrl: server.url, mailFrom: 'x@example.com', dataDir: '' });

      await deliverDue(deps(mailer), 10);

      mailer.close();
      expect((await build.reload(id)).last_error).to.match(/ECONNREFUSED/);
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
