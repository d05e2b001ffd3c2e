import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import winston from 'winston';
import { mailsRefused } from '../../src/notifications/mail-metrics.js';
import { MailRefused, refusalOf } from '../../src/notifications/mail-refused.js';
import { checkMailServer, createMailer } from '../../src/notifications/mailer.js';
import { startSmtpServer, type SmtpAnswers, type SmtpServer } from './smtp-server.js';

const MAIL = { to: 'ada@example.com', subject: 'Bought', text: 'Hello\n', html: '<p>Hello</p>' };

describe('mail over SMTP that is not taken', () => {
  let server: SmtpServer;

  afterEach(() => server.close());

  const config = (url: string, more = {}) => ({
    smtpUrl: url,
    mailFrom: 'x@example.com',
    dataDir: '',
    ...more,
  });
  /** How a server that answers like this is understood. */
  const refusal = async (answers: SmtpAnswers, login = ''): Promise<MailRefused> => {
    server = await startSmtpServer(() => true, answers);
    const mailer = createMailer(config(server.url.replace('//', `//${login}`)));
    try {
      await mailer.send(MAIL);
    } catch (error) {
      if (error instanceof MailRefused) return error;
      throw error;
    } finally {
      mailer.close();
    }
    throw new Error('the mail was taken');
  };
  const counted = async (reason: string): Promise<number> =>
    (await mailsRefused.get()).values.find(({ labels }) => labels.reason === reason)?.value ?? 0;

  for (const [about, answers] of [
    ['an unknown mailbox', { RCPT: '550 no such user here' }],
    ['an unknown mailbox, in enhanced codes', { RCPT: '550 5.1.1 <ada@example.com> unknown' }],
    ['a mailbox that is disabled', { RCPT: '554 5.2.1 mailbox disabled' }],
    ['a domain that takes no mail', { RCPT: '556 5.1.10 null MX' }],
    ['a mailbox that Exchange Online lacks', { RCPT: '550 5.4.1 Recipient address rejected' }],
    ['a mailbox that turns out unknown after the mail', { '.': '550 5.1.1 user unknown' }],
  ] as [string, SmtpAnswers][]) {
    it(`because of ${about}, is the recipient's fault and never tried again`, async () => {
      const before = await counted('recipient');
      const refused = await refusal(answers);
      expect(refused).to.include({ refusal: 'recipient', isPermanent: true });
      expect(refused.message).to.include(Object.values(answers)[0]);
      expect(await counted('recipient')).to.equal(before + 1);
    });
  }

  for (const [about, kind, answers] of [
    ['greylisting', 'busy', { RCPT: '451 4.7.1 try again later' }],
    ['a full mailbox', 'busy', { RCPT: '552 5.2.2 mailbox full' }],
    ['a domain without a way there', 'busy', { RCPT: '550 5.4.4 unable to route' }],
    ['a busy server', 'busy', { MAIL: '421 too many connections' }],
    ['a mail that it does not like', 'content', { '.': '554 message looks odd' }],
    ['a sender that it does not know', 'sender', { MAIL: '550 5.1.8 who are you' }],
    ['a missing login', 'sender', { MAIL: '530 5.7.0 log in first' }],
    ['a missing login, told late', 'sender', { RCPT: '530 5.7.0 log in first' }],
    ['our rights there', 'sender', { RCPT: '550 5.7.1 relaying denied' }],
    ['our rights there, in words only', 'sender', { RCPT: '550 relay not permitted' }],
  ] as [string, string, SmtpAnswers][]) {
    it(`because of ${about}, is not the recipient's fault and tried again`, async () => {
      expect(await refusal(answers)).to.include({ refusal: kind, isPermanent: false });
    });
  }

  it('because of a wrong password is ours to put right, and counted', async () => {
    const before = await counted('sender');
    const refused = await refusal({ AUTH: '535 5.7.8 wrong' }, 'me:secret@');
    expect(refused).to.include({ refusal: 'sender', isPermanent: false });
    expect(refused.message).to.include('535').and.not.include('secret');
    expect(await counted('sender')).to.equal(before + 1);
  });

  it('because nobody answers is tried again', async () => {
    server = await startSmtpServer();
    const mailer = createMailer(config(server.url));
    await server.close();
    const refused: unknown = await mailer.send(MAIL).catch((error: unknown) => error);
    mailer.close();
    server = await startSmtpServer();
    expect(refused).to.be.instanceOf(MailRefused);
    expect(refused).to.include({ refusal: 'connection', isPermanent: false });
    expect((refused as Error).message).to.include('ECONNREFUSED');
  });

  it('may be no matter of mail servers at all', async () => {
    server = await startSmtpServer();
    expect(refusalOf(new Error('the disk is full'))).to.include({
      refusal: 'other',
      message: 'the disk is full',
    });
  });

  it('uses as many connections at a time as it may, and no more', async () => {
    server = await startSmtpServer();
    const mailer = createMailer(config(server.url, { smtpMaxConnections: 2 }));
    await Promise.all(Array.from({ length: 8 }, () => mailer.send(MAIL)));
    mailer.close();
    expect(server.mails).to.have.lengthOf(8);
    expect(server.connections()).to.equal(2);
  });

  it('over all connections keeps to what it may send a second, but for one each', async () => {
    server = await startSmtpServer();
    const more = { smtpMaxConnections: 2, mailsPerSecond: 5 };
    const mailer = createMailer(config(server.url, more));
    const sent = Promise.all(Array.from({ length: 8 }, () => mailer.send(MAIL)));
    await sleep(500); // within the first second
    expect(server.mails.length).to.be.within(5, 6);
    await sent;
    mailer.close();
  });

  describe('is found out when a worker starts', () => {
    let logged: Record<string, unknown>[];
    const stream = new Writable({
      write(line: Buffer, _encoding, done) {
        logged.push(JSON.parse(line.toString()) as Record<string, unknown>);
        done();
      },
    });
    const log = winston.createLogger({ transports: [new winston.transports.Stream({ stream })] });
    beforeEach(() => {
      logged = [];
    });

    it('and logged as a warning; the start goes on', async () => {
      server = await startSmtpServer(() => true, { AUTH: '535 wrong' });
      await checkMailServer(config(server.url.replace('//', '//me:secret@')), log);
      expect(logged).to.have.lengthOf(1);
      expect(logged[0]).to.include({ level: 'warn', reason: 'sender' });
      expect(JSON.stringify(logged)).not.to.include('secret');
    });

    it('and nothing is said where all is well, or mail goes to the outbox', async () => {
      server = await startSmtpServer();
      await checkMailServer(config(server.url), log);
      expect(logged.map(({ level }) => level)).to.deep.equal(['info']);
      await checkMailServer(config(''), log);
      expect(logged).to.have.lengthOf(1);
    });
  });
});
