import { expect } from 'chai';
import { createSealer } from '../../src/identity/sealer.js';
import { deliverMails, type DeliverMailsDeps } from '../../src/notifications/deliver-mails.js';
import { enqueueMail, type NewMail } from '../../src/notifications/mails.js';
import type { Mail } from '../../src/notifications/letter.js';
import { createPerson } from '../support/api.js';
import { mailsTo } from '../support/sent-mails.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('mails about an account', () => {
  let trading: Trading;
  let person: Awaited<ReturnType<typeof createPerson>>;
  let sent: Mail[];
  let failure: Error | null;

  before(async () => {
    trading = await startTrading(1);
  });
  after(() => trading.stop());
  beforeEach(async () => {
    person = await createPerson(trading);
    sent = [];
    failure = null;
  });

  const deps = (): DeliverMailsDeps => ({
    ...trading.container,
    config: { mailsPerSecond: 1_000 },
    mailer: {
      channel: 'outbox',
      send: (mail) => {
        if (failure) return Promise.reject(failure);
        sent.push(mail);
        return Promise.resolve();
      },
      close: () => undefined,
    },
  });
  const enqueue = (more: Partial<NewMail> = {}): Promise<void> =>
    trading.container.db.knex.transaction((trx) =>
      enqueueMail(trx, trading.container.sealer, {
        kind: 'new_device',
        to: person.email,
        clientId: person.id,
        data: { first_name: '<Test>', at: 'now', ip: '::1', device: 'a browser' },
        ...more,
      }),
    );
  const row = () =>
    trading.container.db.knex('mails').where({ recipient: person.email }).first() as Promise<
      Record<string, unknown>
    >;

  it('are sent once, as text and HTML, and keep no secret afterwards', async () => {
    await enqueue({ secret: 'hunter2' });
    expect((await row())['secret']?.toString()).not.to.include('hunter2');
    expect((await mailsTo(trading, person.email))[0]!.secret).to.equal('hunter2');
    const claimed = await Promise.all([deliverMails(deps(), 10), deliverMails(deps(), 10)]);
    expect(claimed.sort()).to.deep.equal([0, 1]);
    expect(sent).to.have.length(1);
    expect(sent[0]!.text).to.include('Hello <Test>,');
    expect(sent[0]!.html).to.include('Hello &lt;Test&gt;,').and.not.include('<Test>');
    expect(await row()).to.deep.include({ secret: null, last_error: null, attempts: 1 });
  });

  it('are in the language of their client, and in English to nobody', async () => {
    const { db } = trading.container;
    await trading.asOwner('alter table clients add column if not exists language text');
    await db.knex('clients').where({ id: person.id }).update({ language: 'fr' });
    await enqueue();
    await enqueue({ kind: 'sign_up_phone_taken', clientId: null, data: {} });
    await deliverMails(deps(), 10);
    expect(sent.map(({ text }) => text.slice(0, 7))).to.have.members(['Bonjour', 'Hello,\n']);
  });

  it('are tried again later when they could not be sent', async () => {
    await enqueue({ secret: 'hunter2' });
    failure = new Error('the server is away');
    await deliverMails(deps(), 10);
    expect(await row()).to.include({ last_error: 'the server is away', delivered_at: null });
    failure = null;
    expect(await deliverMails(deps(), 10)).to.equal(0);
    const later = new Date(Date.now() + 60_000);
    expect(await deliverMails({ ...deps(), now: () => later }, 10)).to.equal(1);
    expect(sent).to.have.length(1);
  });

  it('are not sent once their secret has expired', async () => {
    await enqueue({ secret: 'hunter2', expiresAt: new Date(Date.now() - 1) });
    expect(await deliverMails(deps(), 10)).to.equal(0);
    expect(await row()).to.include({ secret: null, delivered_at: null });
  });

  it('with a secret that was sealed with another key disturb no others', async () => {
    const { db } = trading.container;
    const other = createSealer('x'.repeat(32));
    await db.knex.transaction((trx) =>
      enqueueMail(trx, other, {
        kind: 'new_device',
        to: person.email,
        clientId: person.id,
        data: {},
        secret: 'hunter2',
      }),
    );
    await enqueue();
    expect(await deliverMails(deps(), 10)).to.equal(2);
    expect(sent).to.have.length(1);
    expect((await row())['last_error']).to.be.a('string');
  });
});
