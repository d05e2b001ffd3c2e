import { expect } from 'chai';
import { listEntries } from '../../src/audit/entries.js';
import { newId } from '../../src/ids.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { mailsTo } from '../support/sent-mails.js';
import { sessionOf } from '../support/session.js';
import { lastMailTo, otherCode, secretsOf } from '../support/sign-ups.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('another e-mail address', () => {
  let trading: Trading;
  let api: Api;
  let person: { id: string; email: string };
  let mine: { Authorization: string };
  let next: string;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
  });
  beforeEach(async () => {
    person = await createPerson(trading);
    mine = await sessionOf(trading, api, person, { steppedUp: true });
    next = `${newId()}@test.example`;
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const knex = () => trading.container.db.knex;
  const call = (path: string, body: object, headers: object = mine): Promise<Answer> =>
    api.call('POST', path, { body, headers: { ...headers } });
  const ask = (email = next) => call('/v2/clients/me/email', { email });
  const confirm = (code: string) => call('/v2/clients/me/email/confirm', { code });
  const follow = (token: string) => call('/v2/clients/email/confirm', { token }, {});
  const emailNow = async () =>
    (await knex()('clients').where({ id: person.id }).first<{ email: string }>('email')).email;
  const kindsTo = async (email: string) => (await mailsTo(trading, email)).map(({ kind }) => kind);

  it('comes into use once its code is typed in; the old one is told before and after', async () => {
    expect((await ask(next.toUpperCase())).status).to.equal(202);
    expect(await emailNow()).to.equal(person.email);
    expect(await kindsTo(person.email)).to.deep.equal(['email_change_asked']);
    const { code } = secretsOf(await lastMailTo(trading, next));
    expect((await confirm(code)).status).to.equal(204);
    expect(await emailNow()).to.equal(next);
    expect(await kindsTo(person.email)).to.deep.equal(['email_change_asked', 'email_changed']);
    expectProblem(await confirm(code), 422, 42210000);
    const [, entry] = await listEntries(knex(), { client_id: person.id, limit: 2 });
    expect(entry).to.include({ action: 'email.changed' });
    expect([entry!.before, entry!.after]).to.deep.equal([{ email: person.email }, { email: next }]);
  });

  it('comes into use with its link, without logging in, and with the button of its page', async () => {
    await ask();
    const { token } = secretsOf(await lastMailTo(trading, next));
    expect((await follow(token)).status).to.equal(204);
    expect(await emailNow()).to.equal(next);
    const another = `${newId()}@test.example`;
    await ask(another);
    const { token: second } = secretsOf(await lastMailTo(trading, another));
    const page = await api.call('GET', `/confirm/change_email?token=${second}`);
    expect(page.body).to.include('Confirm your new e-mail address');
    const body = `token=${second}`;
    expect((await api.call('POST', '/confirm/change_email', { body })).status).to.equal(200);
    expect(await emailNow()).to.equal(another);
  });

  it('ends what was sent to the old one to choose a new password', async () => {
    await call('/v2/clients/password/forgot', { email: person.email }, {});
    const { token } = secretsOf(await lastMailTo(trading, person.email));
    await ask();
    await confirm(secretsOf(await lastMailTo(trading, next)).code);
    const reset = { token, password: 'an entirely new passphrase' };
    expectProblem(await call('/v2/clients/password/reset', reset, {}), 422, 42210000);
  });

  it("that is somebody else's gets no code; whoever asks sees no difference", async () => {
    const other = await createPerson(trading);
    const [free, taken] = [await ask(), await ask(other.email)];
    expect([taken.status, taken.body]).to.deep.equal([free.status, free.body]);
    const mails = await mailsTo(trading, other.email);
    expect(mails.map(({ kind, secret }) => [kind, secret])).to.deep.equal([['email_in_use', null]]);
    expect(JSON.stringify(mails)).not.to.include(person.email);
  });

  it("is refused when it has become somebody else's since", async () => {
    await ask();
    const { code } = secretsOf(await lastMailTo(trading, next));
    const other = await createPerson(trading);
    await knex()('clients').where({ id: other.id }).update({ email: next });
    for (const key of [undefined, newId()]) {
      const headers = { ...mine, ...(key && { 'Idempotency-Key': key }) };
      const answer = await call('/v2/clients/me/email/confirm', { code }, headers);
      expectProblem(answer, 409, 40910000);
    }
    expect(await emailNow()).to.equal(person.email);
  });

  it('needs a second factor, and is neither the same nor malformed', async () => {
    const plain = await sessionOf(trading, api, person);
    const answer = await call('/v2/clients/me/email', { email: next }, plain);
    expectProblem(answer, 403, 40310000);
    expect(answer.body.step_up_required).to.equal(true);
    expectProblem(await ask(person.email.toUpperCase()), 422, 42210000);
    expectProblem(await ask('nobody'), 422, 42210000);
  });

  it('cannot be asked for more than four times an hour, whoever has it', async () => {
    const other = await createPerson(trading);
    for (let round = 0; round < 4; round += 1) {
      expect((await ask(round % 2 ? next : other.email)).status).to.equal(202);
    }
    for (const email of [next, other.email]) expectProblem(await ask(email), 429, 42910000);
  });

  it('is not confirmed by guessing, nor by somebody else with the code', async () => {
    await ask();
    const { code } = secretsOf(await lastMailTo(trading, next));
    const other = await sessionOf(trading, api, await createPerson(trading));
    expectProblem(await call('/v2/clients/me/email/confirm', { code }, other), 422, 42210000);
    for (let failure = 0; failure < 5; failure += 1) {
      expectProblem(await confirm(otherCode(code)), 422, 42210000);
    }
    expectProblem(await confirm(code), 422, 42210000);
    expect(await emailNow()).to.equal(person.email);
  });

  it('comes into use once for twenty who confirm it at once', async () => {
    await ask();
    const { code, token } = secretsOf(await lastMailTo(trading, next));
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? confirm(code) : follow(token))),
    );
    expect(answers.filter(({ status }) => status === 204)).to.have.lengthOf(1);
    expect(await kindsTo(person.email)).to.deep.equal(['email_change_asked', 'email_changed']);
  });
});
