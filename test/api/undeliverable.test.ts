import { expect } from 'chai';
import type { AuditContent } from '../../src/audit/entries.js';
import { newId } from '../../src/ids.js';
import { deliverMails, type DeliverMailsDeps } from '../../src/notifications/deliver-mails.js';
import { MailRefused, type Refusal } from '../../src/notifications/mail-refused.js';
import { enqueueMail, type NewMail } from '../../src/notifications/mails.js';
import type { Mail } from '../../src/notifications/letter.js';
import { createPerson, startApi, type Answer, type Api } from '../support/api.js';
import { lastMailTo, secretsOf } from '../support/sign-ups.js';
import { sessionOf } from '../support/session.js';
import { startTrading, type Trading } from '../support/trading.js';

const DAY_MS = 86_400_000;

describe('an address that takes no mail', () => {
  let trading: Trading;
  let api: Api;
  let person: Awaited<ReturnType<typeof createPerson>>;
  let mine: { Authorization: string };
  let sent: Mail[];
  let failure: Refusal | null;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });
  beforeEach(async () => {
    await knex()('mails').delete();
    person = await createPerson(trading);
    mine = await sessionOf(trading, api, person, { steppedUp: true });
    sent = [];
    failure = null;
  });

  const knex = () => trading.container.db.knex;
  const deps = (now = new Date()): DeliverMailsDeps => ({
    ...trading.container,
    config: { mailsPerSecond: 1_000 },
    now: () => now,
    mailer: {
      channel: 'smtp',
      send(mail) {
        if (failure) return Promise.reject(new MailRefused(failure, `550 no ${mail.to}`));
        sent.push(mail);
        return Promise.resolve();
      },
      close: () => undefined,
    },
  });
  const enqueue = (more: Partial<NewMail> = {}): Promise<void> =>
    knex().transaction((trx) =>
      enqueueMail(trx, trading.container.sealer, {
        kind: 'new_device',
        to: person.email,
        clientId: person.id,
        data: { first_name: 'Ada', at: 'now', ip: '::1', device: 'a browser' },
        ...more,
      }),
    );
  const me = async (): Promise<Record<string, unknown>> =>
    (await api.call('GET', '/v2/clients/me', { headers: mine })).body;
  const post = (path: string, body: object, headers: object = {}): Promise<Answer> =>
    api.call('POST', path, { body, headers: { ...headers } });
  /** What the audit log says of the address, the oldest first. */
  const audited = async (): Promise<object[]> => {
    const { rows } = await knex().raw<{ rows: { content: string }[] }>(
      `select content from audit_entries where client_id = ?
         and action in ('email.undeliverable', 'email.deliverable_again') order by id`,
      [person.id],
    );
    return rows.map(({ content }) => {
      const { action, actor, before, after, reason } = JSON.parse(content) as AuditContent;
      return { action, by: actor.kind, before, after, reason };
    });
  };
  const noted = ({ email } = person) => ({
    action: 'email.undeliverable',
    by: 'system',
    before: { undeliverable: false },
    after: { email, undeliverable: true },
    reason: `550 no ${email}`,
  });
  const forgotten = (by: string, { email } = person) => ({
    action: 'email.deliverable_again',
    by,
    before: { email, undeliverable: true },
    after: { undeliverable: false },
    reason: null,
  });
  /** The server says that there is no such mailbox. */
  const bounce = async (): Promise<void> => {
    await enqueue();
    failure = 'recipient';
    await deliverMails(deps(), 10);
    failure = null;
    expect((await me())['email_undeliverable_at']).to.be.a('string');
  };

  it('is noted, and shown to the client and to staff; the mail is given up', async () => {
    expect(await me()).to.include({
      email_undeliverable_at: null,
      email_undeliverable_reason: null,
    });
    await bounce();
    const mail = await knex()('mails').where({ recipient: person.email }).first();
    expect(mail).to.include({ attempts: 1, delivered_at: null, due_at: Infinity });
    expect(await me()).to.include({ email_undeliverable_reason: `550 no ${person.email}` });
    for (const [role, reason] of [
      ['compliance', `550 no ${person.email}`],
      ['ops', null], // the reason holds the address
    ] as const) {
      const as = await createPerson(trading, { role, scopes: ['read', 'admin'] });
      const { body } = await api.call('GET', `/v2/admin/clients/${person.id}`, { as });
      expect(body.email_undeliverable_at).to.equal((await me())['email_undeliverable_at']);
      expect(body.email_undeliverable_reason).to.equal(reason);
    }
  });

  it('is in the audit log, once however many mails it refuses', async () => {
    await enqueue();
    await enqueue();
    failure = 'recipient';
    await deliverMails(deps(), 10);
    expect(await audited()).to.deep.equal([noted()]);
  });

  it('gets no further mails but those with a code', async () => {
    await bounce();
    await enqueue();
    await enqueue({ kind: 'second_factor_code', data: { first_name: 'Ada' }, secret: '123456' });
    await deliverMails(deps(), 10);
    expect(sent.map(({ subject }) => subject)).to.deep.equal(['Your code for BrokerX+']);
    const [, second] = await knex()('mails').where({ recipient: person.email }).orderBy('id');
    expect(second).to.include({ due_at: Infinity });
    expect(second.last_error).to.include('550 no');
  });

  for (const refusal of ['sender', 'content', 'busy', 'connection', 'timeout', 'other'] as const) {
    it(`is not known from a failure because of ${refusal}: the mail is tried again`, async () => {
      await enqueue();
      failure = refusal;
      await deliverMails(deps(), 10);
      expect(await me()).to.include({ email_undeliverable_at: null });
      expect(await audited()).to.deep.equal([]);
      failure = null;
      await deliverMails(deps(new Date(Date.now() + DAY_MS)), 10);
      expect(sent).to.have.lengthOf(1);
    });
  }

  it('is forgotten once its code has come back', async () => {
    await bounce();
    await post('/v2/clients/password/forgot', { email: person.email });
    const { token } = secretsOf(await lastMailTo(trading, person.email));
    const body = { token, password: 'an entirely new passphrase' };
    expect((await post('/v2/clients/password/reset', body)).status).to.equal(204);
    mine = await sessionOf(trading, api, person);
    expect(await me()).to.include({
      email_undeliverable_at: null,
      email_undeliverable_reason: null,
    });
    expect(await audited()).to.deep.equal([noted(), forgotten('anonymous')]);
    await enqueue();
    await deliverMails(deps(), 10);
    expect(sent.map(({ to }) => to)).to.include(person.email);
  });

  it('is forgotten once there is another one', async () => {
    await bounce();
    const next = `${newId()}@test.example`;
    await post('/v2/clients/me/email', { email: next }, mine);
    const { code } = secretsOf(await lastMailTo(trading, next));
    expect((await post('/v2/clients/me/email/confirm', { code }, mine)).status).to.equal(204);
    expect(await me()).to.include({ email: next, email_undeliverable_at: null });
    expect(await audited()).to.deep.equal([noted(), forgotten('person')]);
  });

  it("is not the client's own when only a new one, not confirmed yet, takes none", async () => {
    const next = `${newId()}@test.example`;
    await post('/v2/clients/me/email', { email: next }, mine);
    await knex()('mails').where({ recipient: person.email }).delete(); // the notice to the old one
    failure = 'recipient';
    await deliverMails(deps(), 10);
    expect(await me()).to.include({ email: person.email, email_undeliverable_at: null });
  });
});
