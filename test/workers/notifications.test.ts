import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import winston from 'winston';
import { connectDatabase, type Database } from '../../src/db.js';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../../src/domain/money.js';
import { claimDue } from '../../src/notifications/claims.js';
import {
  deliverDue,
  LEASE_MS,
  MAX_ATTEMPTS,
  nextAttempt,
  type DeliverDeps,
} from '../../src/notifications/deliver.js';
import { createMailer, outboxMailer, type Mailer } from '../../src/notifications/mailer.js';
import { executionMail, type Mail } from '../../src/notifications/templates.js';
import { createTestDatabase } from '../support/database.js';
import { startSmtpServer } from './smtp-server.js';

const usd = (text: string) => parseDecimal(text, PRICE_SCALE);
const shares = (text: string) => parseDecimal(text, QTY_SCALE);
const log = winston.createLogger({ silent: true });
const NOW = new Date('2026-11-20T15:00:00Z');
const later = (ms: number) => new Date(NOW.getTime() + ms);

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;
let aapl: string;

before(async function () {
  this.timeout(60_000);
  database = await createTestDatabase();
  db = connectDatabase(database.url, 'notifications-test');
  await db.knex('shards').insert({ id: 0 }).onConflict().ignore();
  aapl = await buildAsset('AAPL');
});

after(async () => {
  await db.close();
  await database.drop();
});

beforeEach(async () => {
  await db.knex('notifications').update({ delivered_at: NOW }); // what an earlier test left over
});

async function buildAsset(symbol: string): Promise<string> {
  const known = await db.knex('assets').where({ symbol }).first<{ id: string } | undefined>('id');
  if (known) return known.id;
  const id = randomUUID();
  await db.knex('assets').insert({
    id,
    symbol,
    name: symbol,
    class: 'us_equity',
    exchange: 'TEST',
    shard: 0,
  });
  return id;
}

async function buildAccount(firstName = 'Ada'): Promise<{ id: string; email: string }> {
  const [clientId, id] = [randomUUID(), randomUUID()];
  const email = `${clientId}@example.com`;
  await db.knex('clients').insert({
    id: clientId,
    email,
    first_name: firstName,
    last_name: 'Test',
    status: 'active',
  });
  await db.knex('accounts').insert({ id, client_id: clientId, account_number: id.slice(0, 8) });
  return { id, email };
}

async function buildOrder(accountId: string, side: 'buy' | 'sell' = 'buy'): Promise<string> {
  const id = randomUUID();
  await db.knex('orders').insert({
    id,
    account_id: accountId,
    asset_id: aapl,
    shard: 0,
    client_order_id: id,
    side,
    type: 'limit',
    time_in_force: 'day',
    qty: shares('10'),
    limit_price: usd('151'),
    bound_price: usd('151'),
    fee_bps: 0,
    hold: 0,
    status: 'new',
    created_at: NOW,
    updated_at: NOW,
  });
  return id;
}

interface Notified {
  accountId: string;
  orderId?: string;
  qty?: string;
  value?: string;
  fees?: string;
  executions?: number;
  status?: string;
  dueAt?: Date;
  attempts?: number;
}

async function buildNotification(notified: Notified): Promise<bigint> {
  const { accountId, qty = '2', value = '300.5', fees = '0', executions = 1 } = notified;
  const [row] = await db.knex('notifications').insert(
    {
      kind: 'order_executed',
      account_id: accountId,
      order_id: notified.orderId ?? (await buildOrder(accountId)),
      order_status: notified.status ?? 'partially_filled',
      executions,
      qty: shares(qty),
      value: usd(value),
      fees: usd(fees),
      created_at: NOW,
      due_at: notified.dueAt ?? NOW,
      attempts: notified.attempts ?? 0,
    },
    'id',
  );
  return (row as { id: bigint }).id;
}

interface NotificationRow {
  attempts: number;
  due_at: Date;
  delivered_at: Date | null;
  last_error: string | null;
}
const reload = (id: bigint): Promise<NotificationRow> =>
  db.knex('notifications').where('id', id.toString()).first() as Promise<NotificationRow>;

/** Keeps what it is given; `onSend` may refuse. */
function collector(onSend: (mail: Mail) => Promise<void> | void = () => undefined) {
  const mails: Mail[] = [];
  const mailer: Mailer = {
    channel: 'smtp',
    async send(mail) {
      await onSend(mail);
      mails.push(mail);
    },
    close: () => undefined,
  };
  return { mails, mailer };
}

const deps = (mailer: Mailer, more: Partial<DeliverDeps> = {}): DeliverDeps => ({
  db,
  mailer,
  log,
  config: { mailsPerSecond: 1_000 },
  now: () => NOW,
  ...more,
});

describe('delivering notifications', () => {
  it('sends one mail an account with one line an order, and marks what it told', async () => {
    const ada = await buildAccount('Ada');
    const bob = await buildAccount('Bob');
    const [first, second] = [await buildOrder(ada.id), await buildOrder(ada.id, 'sell')];
    const ids = [
      await buildNotification({ accountId: ada.id, orderId: first, executions: 2 }),
      await buildNotification({ accountId: ada.id, orderId: second, qty: '0.5', value: '75' }),
      await buildNotification({
        accountId: ada.id,
        orderId: first,
        qty: '8',
        value: '1202.04',
        fees: '0.3',
        status: 'filled',
      }),
      await buildNotification({ accountId: bob.id }),
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
      expect(await reload(id)).to.deep.include({
        delivered_at: NOW,
        attempts: 1,
        last_error: null,
      });
    }
  });

  it('leaves what is not due yet', async () => {
    const ada = await buildAccount();
    await buildNotification({ accountId: ada.id, dueAt: later(1) });
    const { mails, mailer } = collector();

    expect(await deliverDue(deps(mailer), 10)).to.equal(0);
    expect(mails).to.deep.equal([]);
    expect(await deliverDue(deps(mailer, { now: () => later(1) }), 10)).to.equal(1);
  });

  it('sends as many mails as asked for, to whoever waits longest, with all that is due to them', async () => {
    const [ada, bob] = [await buildAccount(), await buildAccount()];
    await buildNotification({ accountId: bob.id, dueAt: later(-1_000) });
    await buildNotification({ accountId: ada.id, dueAt: later(-2_000) });
    await buildNotification({ accountId: ada.id });
    const { mails, mailer } = collector();

    expect(await deliverDue(deps(mailer), 1)).to.equal(2);
    expect(mails.map(({ to }) => to)).to.deep.equal([ada.email]);
    expect(await deliverDue(deps(mailer), 1)).to.equal(1);
    expect(mails.map(({ to }) => to)).to.deep.equal([ada.email, bob.email]);
  });

  it('tells every notification once when several workers deliver at a time', async function () {
    this.timeout(20_000);
    const accounts = await Promise.all(Array.from({ length: 20 }, () => buildAccount()));
    for (const { id } of [...accounts, ...accounts]) await buildNotification({ accountId: id });
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
    const [ada, bob] = [await buildAccount(), await buildAccount()];
    const failing = await buildNotification({ accountId: ada.id, dueAt: later(-1) });
    const fine = await buildNotification({ accountId: bob.id });
    let broken = true;
    const { mails, mailer } = collector(({ to }) => {
      if (broken && to === ada.email) throw new Error('421 try again\0later');
    });

    expect(await deliverDue(deps(mailer), 10)).to.equal(2);

    expect(mails.map(({ to }) => to)).to.deep.equal([bob.email]);
    expect((await reload(fine)).delivered_at).to.deep.equal(NOW);
    const row = await reload(failing);
    expect(row).to.include({ attempts: 1, delivered_at: null, last_error: '421 try againlater' });
    expect(row.due_at.getTime() - NOW.getTime()).to.be.within(2_500, 5_000);

    broken = false;
    expect(await deliverDue(deps(mailer), 10)).to.equal(0);
    expect(await deliverDue(deps(mailer, { now: () => later(5_000) }), 10)).to.equal(1);
    expect(await reload(failing)).to.include({ attempts: 2, last_error: null });
    expect((await reload(failing)).delivered_at).to.deep.equal(later(5_000));
  });

  it('gives up after the last attempt and keeps the reason', async () => {
    const ada = await buildAccount();
    const id = await buildNotification({ accountId: ada.id, attempts: MAX_ATTEMPTS - 1 });
    const { mailer } = collector(() => {
      throw new Error('550 no such mailbox');
    });

    await deliverDue(deps(mailer), 10);

    const inAYear = () => later(365 * 86_400_000);
    expect(await deliverDue(deps(mailer, { now: inAYear }), 10)).to.equal(0);
    expect(await reload(id)).to.include({
      attempts: MAX_ATTEMPTS,
      delivered_at: null,
      last_error: '550 no such mailbox',
    });
  });

  it('leaves claimed rows alone until the lease of a worker that died runs out', async () => {
    const ada = await buildAccount();
    const id = await buildNotification({ accountId: ada.id });
    await claimDue(db.knex, NOW, LEASE_MS, 10); // and then the worker was killed
    const { mails, mailer } = collector();

    const atTheEnd = () => later(LEASE_MS - 1);
    expect(await deliverDue(deps(mailer, { now: atTheEnd }), 10)).to.equal(0);
    expect(await deliverDue(deps(mailer, { now: () => later(LEASE_MS) }), 10)).to.equal(1);

    expect(mails).to.have.length(1);
    expect((await reload(id)).attempts).to.equal(2);
  });

  it('holds neither a transaction nor a lock while a mail is under way', async () => {
    const ada = await buildAccount();
    const id = await buildNotification({ accountId: ada.id });
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
    const accounts = await Promise.all(Array.from({ length: 6 }, () => buildAccount()));
    for (const { id } of accounts) await buildNotification({ accountId: id });
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

describe('the mail about executions', () => {
  const order = {
    symbol: 'AAPL',
    side: 'sell' as const,
    executions: 1,
    qty: shares('1'),
    value: usd('150'),
    fees: 0n,
    status: 'filled',
  };

  it('shows a name as it is and never as HTML', () => {
    const mail = executionMail({
      to: 'a@example.com',
      firstName: '<b>O\'Neil & "Co"</b>',
      accountNumber: '1',
      orders: [order],
    });

    expect(mail.subject).to.equal('Sold 1 AAPL at 150 USD');
    expect(mail.text).to.include('Hello <b>O\'Neil & "Co"</b>,');
    expect(mail.html).to.include('Hello &lt;b&gt;O&#39;Neil &amp; &quot;Co&quot;&lt;/b&gt;,');
    expect(mail.html).not.to.include('<b>');
  });

  it('lists a hundred orders at most and sums up all', () => {
    const orders = Array.from({ length: 130 }, () => order);

    const { text } = executionMail({
      to: 'a@example.com',
      firstName: 'Ada',
      accountNumber: '1',
      orders,
    });

    expect(text.match(/^(Bought|Sold) /gm)).to.have.length(100);
    expect(text).to.include('... and 30 more orders.');
    expect(text).to.include('Total value 19500 USD,');
  });
});

describe('the outbox', () => {
  let folder: string;
  const mail: Mail = {
    to: 'ada@example.com',
    subject: 'Bought',
    text: 'Hello Ada,\n',
    html: '<p>x</p>',
  };

  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'outbox-')), 'data', 'outbox');
  });
  afterEach(() => rm(join(folder, '../..'), { recursive: true }));

  it('has one file a mail that a person can read, and only its owner', async () => {
    const config = {
      smtpUrl: '',
      mailFrom: 'BrokerX+ <no-reply@x.example>',
      dataDir: join(folder, '..'),
    };
    const mailer = createMailer(config);
    const started = new Date().toISOString().replaceAll(':', '-');

    await mailer.send(mail);

    expect(mailer.channel).to.equal('outbox');
    const [name, ...others] = await readdir(folder);
    expect(others).to.deep.equal([]);
    expect(name).to.match(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-.+\.eml$/);
    expect(name! >= started, 'sorted by time').to.equal(true);
    const text = await readFile(join(folder, name!), 'utf8');
    expect(text).to.match(/^From: "BrokerX\+" <no-reply@x\.example>\r\n/);
    expect(text).to.include('To: ada@example.com\r\nSubject: Bought\r\n');
    expect(text).to.include('\r\nHello Ada,\r\n');
    expect((await stat(folder)).mode & 0o777).to.equal(0o700);
    expect((await stat(join(folder, name!))).mode & 0o777).to.equal(0o600);
  });

  it('keeps the newest thousand mails', async function () {
    this.timeout(10_000);
    const mailer = outboxMailer(folder, 'x@example.com');
    await mailer.send(mail);
    const old = Array.from(
      { length: 1_050 },
      (_, n) => `2020-01-01T00-00-00.${String(n).padStart(4, '0')}Z.eml`,
    );
    await Promise.all(old.map((name) => writeFile(join(folder, name), '')));
    await writeFile(join(folder, 'note.txt'), 'not ours');

    for (let n = 0; n < 50; n += 1) await mailer.send(mail);

    const names = (await readdir(folder)).sort();
    expect(names.filter((name) => name.endsWith('.eml'))).to.have.length(1_000);
    expect(names.filter((name) => name > '2021')).to.have.length(52); // 51 mails and the note
    expect(names[0]).to.equal(old[101]);
  });

  it('works again once the folder can be written', async () => {
    const parent = join(folder, '..');
    await writeFile(parent, 'a file where a folder should be');
    const mailer = outboxMailer(folder, 'x@example.com');
    const refused: unknown = await mailer.send(mail).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(Error);

    await rm(parent);
    await mailer.send(mail);

    expect(await readdir(folder)).to.have.length(1);
  });
});

describe('mail over SMTP', () => {
  it('reaches the server; what the server refuses is put off', async () => {
    const [ada, bob] = [await buildAccount(), await buildAccount()];
    const refused = await buildNotification({ accountId: bob.id });
    await buildNotification({ accountId: ada.id });
    const server = await startSmtpServer((recipient) => recipient !== bob.email);
    const mailer = createMailer({ smtpUrl: server.url, mailFrom: 'x@example.com', dataDir: '' });
    try {
      await deliverDue(deps(mailer), 10);

      expect(server.mails).to.have.length(1);
      expect(server.mails[0]).to.include(`To: ${ada.email}`);
      expect(server.mails[0]).to.include('Subject: Bought 2 AAPL at 150.25 USD');
      expect((await reload(refused)).last_error).to.include('550');
    } finally {
      mailer.close();
      await server.close();
    }
  });

  it('is put off while no server answers', async () => {
    const server = await startSmtpServer();
    await server.close();
    const ada = await buildAccount();
    const id = await buildNotification({ accountId: ada.id });
    const mailer = createMailer({ smtpUrl: server.url, mailFrom: 'x@example.com', dataDir: '' });

    await deliverDue(deps(mailer), 10);

    mailer.close();
    expect((await reload(id)).last_error).to.match(/ECONNREFUSED/);
  });
});
