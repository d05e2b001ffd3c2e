import { expect } from 'chai';
import { listEntries } from '../../src/audit/entries.js';
import { Client } from '../../src/identity/model.js';
import { newId } from '../../src/ids.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { mailsTo } from '../support/sent-mails.js';
import { sessionOf } from '../support/session.js';
import { GOOD_PASSWORD, lastMailTo, otherCode, secretsOf, signedUp } from '../support/sign-ups.js';
import { toldTo } from '../support/told.js';
import { startTrading, type Trading } from '../support/trading.js';

const NEXT = 'an entirely new passphrase';

describe('a password', () => {
  let trading: Trading;
  let api: Api;
  let time: Date;
  let person: { id: string; email: string };

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading, { now: () => time });
  });
  beforeEach(async () => {
    time = new Date();
    person = await createPerson(trading, { password: GOOD_PASSWORD });
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const knex = () => trading.container.db.knex;
  const post = (path: string, body: object, headers = {}): Promise<Answer> =>
    api.call('POST', path, { body, headers });
  const forgot = (email = person.email) => post('/v2/clients/password/forgot', { email });
  const reset = (body: object) => post('/v2/clients/password/reset', body);
  const login = async (password: string) =>
    (await post('/v2/sessions', { email: person.email, password })).status;
  const secrets = async () => secretsOf(await lastMailTo(trading, person.email));
  const openSessions = () =>
    knex()('sessions').where({ client_id: person.id }).whereNull('ended_at').select('id');
  const actions = async () =>
    (await listEntries(knex(), { client_id: person.id, limit: 50 })).map(({ action }) => action);

  describe('that was forgotten', () => {
    it('is chosen anew with the code of a mail, once; all sessions end', async () => {
      await sessionOf(trading, api, person);
      await sessionOf(trading, api, person);
      expect((await forgot(` ${person.email.toUpperCase()}`)).status).to.equal(202);
      const { code, token } = await secrets();
      const answer = await reset({ email: person.email, code, password: NEXT });
      expect(answer.status).to.equal(204);
      expect(await Promise.all([login(GOOD_PASSWORD), login(NEXT)])).to.deep.equal([401, 200]);
      const ended = knex()('sessions').where({
        client_id: person.id,
        end_reason: 'password_changed',
      });
      expect(await ended).to.have.lengthOf(2);
      const [told] = await toldTo(trading, person.id);
      expect(told).to.include({ event: 'security.password_changed', hasMail: true });
      for (const proof of [{ email: person.email, code }, { token }]) {
        expectProblem(await reset({ ...proof, password: NEXT }), 422, 42210000);
      }
      expect(await actions()).to.include.members(['password.reset_asked', 'password.reset']);
    });

    it('is chosen anew with the link, in a browser, too', async () => {
      await forgot();
      const { token } = await secrets();
      const page = await api.call('GET', `/confirm/reset_password?token=${token}`);
      expect(page.body).to.include('type="password"').and.include(token);
      const press = (password: string) =>
        api.call('POST', '/confirm/reset_password', {
          body: new URLSearchParams({ token, password }).toString(),
        });
      const bad = await press('password1');
      expect([bad.status, bad.headers.get('content-type')]).to.deep.equal([
        422,
        'text/html; charset=utf-8',
      ]);
      expect(bad.body).to.include('commonest');
      expect((await press(NEXT)).status).to.equal(200);
      expect(await login(NEXT)).to.equal(200);
    });

    it("shows that the address is the client's: it counts as confirmed", async () => {
      const { id, email } = await signedUp(trading, api, { verified: false });
      await forgot(email);
      const { token } = secretsOf(await lastMailTo(trading, email));
      await reset({ token, password: NEXT });
      const client = await knex()('clients').where({ id }).first<{ email_verified_at: Date }>();
      expect(client.email_verified_at).to.be.instanceOf(Date);
    });

    it('stays while the new one is bad, and the code is not used up by that', async () => {
      await Client.query(knex()).findById(person.id).patch({ firstName: 'Josephine' });
      await forgot();
      const { code, token } = await secrets();
      for (const password of ['short', 'liverpool', 'Josephine-99', person.email]) {
        const answers = await Promise.all([
          reset({ token, password }),
          reset({ email: person.email, code, password }),
        ]);
        for (const answer of answers) {
          expectProblem(answer, 422, 42210000);
          expect(answer.body.errors[0].field).to.equal('password');
        }
      }
      expect((await reset({ token, password: NEXT })).status).to.equal(204);
    });

    it("tells nobody with a wrong code that a password is the client's name", async () => {
      await Client.query(knex()).findById(person.id).patch({ firstName: 'Josephine' });
      await forgot();
      const code = otherCode((await secrets()).code);
      const answer = await reset({ email: person.email, code, password: 'Josephine-99' });
      expect(answer.body.errors[0].field).to.equal('code');
    });

    it('ends its code after five wrong ones', async () => {
      await forgot();
      const { code } = await secrets();
      const wrong = { email: person.email, code: otherCode(code), password: NEXT };
      await Promise.all(Array.from({ length: 5 }, () => reset(wrong)));
      expectProblem(await reset({ ...wrong, code }), 422, 42210000);
      expect(await login(GOOD_PASSWORD)).to.equal(200);
    });

    it('is set once by twenty who use the link at once', async () => {
      await forgot();
      const { token } = await secrets();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) => reset({ token, password: `${NEXT} ${n}` })),
      );
      const [first, ...more] = answers.flatMap(({ status }, n) => (status === 204 ? [n] : []));
      expect(more).to.have.lengthOf(0);
      expect(await login(`${NEXT} ${first!}`)).to.equal(200);
    });

    it('stays after an hour: the code has expired', async () => {
      await forgot();
      const { token } = await secrets();
      time = new Date(time.getTime() + 61 * 60_000);
      expectProblem(await reset({ token, password: NEXT }), 422, 42210000);
    });

    it('sends four mails an hour, and says nothing about whom it knows', async () => {
      const answers: Answer[] = [];
      for (let round = 0; round < 6; round += 1) answers.push(await forgot());
      answers.push(await forgot(`${newId()}@test.example`));
      await knex()('clients').where({ id: person.id }).update({ status: 'closed' });
      answers.push(await forgot());
      expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([202]));
      expect(new Set(answers.map(({ body }) => JSON.stringify(body)))).to.have.lengthOf(1);
      expect(await mailsTo(trading, person.email)).to.have.lengthOf(4);
    });

    it('takes as long for an address that nobody has', async () => {
      const timeOf = async (email: string): Promise<number> => {
        const started = performance.now();
        await forgot(email);
        return performance.now() - started;
      };
      const [known, unknown]: [number[], number[]] = [[], []];
      for (let round = 0; round < 4; round += 1) {
        known.push(await timeOf(person.email));
        unknown.push(await timeOf(`${newId()}@test.example`));
      }
      expect(Math.min(...known) / Math.min(...unknown)).to.be.within(0.8, 1.25);
    });

    it('cannot be used for anything else: nor can another code for this', async () => {
      const { email } = await signedUp(trading, api, { verified: false });
      const { token } = secretsOf(await lastMailTo(trading, email));
      expectProblem(await reset({ token, password: NEXT }), 422, 42210000);
      expect((await post('/v2/clients/verify', { token })).status).to.equal(204);
    });
  });

  describe('is changed', () => {
    const change = (headers: object, body: object) =>
      api.call('PUT', '/v2/clients/me/password', { headers: { ...headers }, body });
    const good = { current_password: GOOD_PASSWORD, password: NEXT };

    it('with the current one and a second factor a moment ago; other sessions end', async () => {
      const mine = await sessionOf(trading, api, person, { steppedUp: true });
      await sessionOf(trading, api, person);
      expect((await change(mine, good)).status).to.equal(204);
      expect(await openSessions()).to.have.lengthOf(1);
      expect(await Promise.all([login(GOOD_PASSWORD), login(NEXT)])).to.deep.equal([401, 200]);
      const [told] = await toldTo(trading, person.id);
      expect(told).to.include({ event: 'security.password_changed', hasMail: true });
      expect(await actions()).to.include('password.changed');
    });

    it('not without the second factor, nor with a key of a program', async () => {
      const answer = await change(await sessionOf(trading, api, person), good);
      expectProblem(answer, 403, 40310000);
      expect(answer.body.step_up_required).to.equal(true);
      const key = await createPerson(trading);
      const byKey = api.call('PUT', '/v2/clients/me/password', { as: key, body: good });
      expectProblem(await byKey, 403, 40310000);
    });

    it('not with a wrong one, which is noted, and tried five times at most', async () => {
      const mine = await sessionOf(trading, api, person, { steppedUp: true });
      const wrong = { ...good, current_password: 'not the one' };
      for (let round = 0; round < 5; round += 1) {
        expectProblem(await change(mine, wrong), 403, 40310000);
      }
      expectProblem(await change(mine, good), 429, 42910000);
      expect((await actions()).filter((one) => one === 'password.change_refused')).to.have.lengthOf(
        5,
      );
      expect(await login(GOOD_PASSWORD)).to.equal(200);
    });

    it('to none that is bad', async () => {
      const mine = await sessionOf(trading, api, person, { steppedUp: true });
      const answer = await change(mine, { ...good, password: 'liverpool' });
      expectProblem(answer, 422, 42210000);
      expect(answer.body.errors[0].field).to.equal('password');
    });
  });

  it('and what is sent to set it are readable nowhere', async () => {
    const password = 'canary-2846-passphrase';
    await forgot();
    const { token } = await secrets();
    const headers = { 'Idempotency-Key': newId() };
    await post('/v2/clients/password/reset', { token, password }, headers);
    for (const table of ['clients', 'mails', 'audit_entries', 'request_keys', 'one_time_codes']) {
      const { rows } = await knex().raw<{ rows: { row: string }[] }>(
        `select to_jsonb(t)::text as row from ${table} t`,
      );
      const text = rows.map(({ row }) => row).join('\n');
      for (const secret of [password, token]) expect(text, table).not.to.include(secret);
    }
  });
});
