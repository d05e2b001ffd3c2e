import { expect } from 'chai';
import { listEntries } from '../../src/audit/entries.js';
import { newId } from '../../src/ids.js';
import { expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { mailsTo } from '../support/sent-mails.js';
import { lastMailTo, otherCode, secretsOf, signedUp } from '../support/sign-ups.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('confirming an address', () => {
  let trading: Trading;
  let api: Api;
  let time: Date;

  before(async () => {
    trading = await startTrading(1);
    time = new Date();
    api = await startApi(trading, { now: () => time });
  });
  beforeEach(() => {
    time = new Date();
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const knex = () => trading.container.db.knex;
  const post = (path: string, body: object, headers = {}): Promise<Answer> =>
    api.call('POST', path, { body, headers });
  const verify = (body: object) => post('/v2/clients/verify', body);
  const clientOf = async (email: string) =>
    (await knex()('clients').where({ email }).first()) as Record<string, unknown> | undefined;
  const kindsTo = async (email: string) => (await mailsTo(trading, email)).map(({ kind }) => kind);
  const later = (minutes: number) => {
    time = new Date(time.getTime() + minutes * 60_000);
  };
  const actionsOf = async (id: string) =>
    (await listEntries(knex(), { client_id: id, limit: 50 })).map(({ action }) => action);

  describe('a code', () => {
    it('ends after five wrong ones, and its link goes on to work', async () => {
      const { email: to } = await signedUp(trading, api, { verified: false });
      const { code, token } = secretsOf(await lastMailTo(trading, to));
      for (let failure = 0; failure < 5; failure += 1) {
        expectProblem(await verify({ email: to, code: otherCode(code) }), 422, 42210000);
      }
      expectProblem(await verify({ email: to, code }), 422, 42210000);
      expect((await verify({ token })).status).to.equal(204);
    });

    it('is counted as wrong once with an Idempotency-Key, and refused alike again', async () => {
      const { email: to } = await signedUp(trading, api, { verified: false });
      const body = { email: to, code: otherCode(secretsOf(await lastMailTo(trading, to)).code) };
      const headers = { 'Idempotency-Key': newId() };
      const first = await post('/v2/clients/verify', body, headers);
      const again = await post('/v2/clients/verify', body, headers);
      expectProblem(first, 422, 42210000);
      expect(again.headers.get('idempotent-replayed')).to.equal('true');
      expect(again.body.detail).to.equal(first.body.detail);
      const rows = await knex()('one_time_codes as o')
        .join('clients as c', 'c.id', 'o.client_id')
        .where({ 'c.email': to })
        .select('o.failures');
      expect(rows).to.deep.equal([{ failures: 1 }]);
    });

    it('cannot be guessed with ever new ones: after 15 failures a day only links work', async () => {
      const { id, email: to } = await signedUp(trading, api, { verified: false });
      for (let round = 0; round < 3; round += 1) {
        const { code } = secretsOf(await lastMailTo(trading, to));
        for (let failure = 0; failure < 5; failure += 1) {
          await verify({ email: to, code: otherCode(code) });
        }
        await post('/v2/clients/verification', { email: to });
      }
      const { code, token } = secretsOf(await lastMailTo(trading, to));
      expectProblem(await verify({ email: to, code }), 422, 42210000);
      expect((await verify({ token })).status).to.equal(204);
      expect((await actionsOf(id)).filter((one) => one === 'client.code_refused')).to.have.lengthOf(
        16,
      );
    });

    it('expires after 24 hours, as its link does', async () => {
      const { email: to } = await signedUp(trading, api, { verified: false });
      const { code, token } = secretsOf(await lastMailTo(trading, to));
      later(24 * 60 + 1);
      expectProblem(await verify({ email: to, code }), 422, 42210000);
      expectProblem(await verify({ token }), 422, 42210000);
    });

    it('works once for twenty who use it at once', async () => {
      const { email: to } = await signedUp(trading, api, { verified: false });
      const { code, token } = secretsOf(await lastMailTo(trading, to));
      const uses = Array.from({ length: 20 }, (_, n) => (n % 2 ? { token } : { email: to, code }));
      const answers = await Promise.all(uses.map(verify));
      expect(answers.filter(({ status }) => status === 204)).to.have.lengthOf(1);
    });

    it('is refused alike for an address that nobody has', async () => {
      const { email: to } = await signedUp(trading, api, { verified: false });
      const { code } = secretsOf(await lastMailTo(trading, to));
      const known = await verify({ email: to, code: otherCode(code) });
      const unknown = await verify({ email: `${newId()}@test.example`, code });
      expect(known.body.detail).to.equal(unknown.body.detail);
    });

    it('is sent again three times an hour, to those who wait only, and the answer is one', async () => {
      const { email: to } = await signedUp(trading, api, { verified: false });
      const done = await signedUp(trading, api);
      const resend = (address: string) => post('/v2/clients/verification', { email: address });
      const answers: Answer[] = [];
      for (let round = 0; round < 5; round += 1) answers.push(await resend(to));
      answers.push(await resend(done.email), await resend('nobody@test.example'));
      expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([202]));
      expect(new Set(answers.map(({ body }) => body.message as string))).to.have.lengthOf(1);
      expect(await kindsTo(to)).to.have.lengthOf(4);
      expect(await kindsTo(done.email)).to.have.lengthOf(1);
      later(61);
      await resend(to);
      expect(await kindsTo(to)).to.have.lengthOf(5);
    });

    for (const body of [
      {},
      { code: '123456' },
      { email: 'a@test.example' },
      { email: 'a@test.example', code: '12345' },
      { email: 'a@test.example', code: '123456', token: 'x'.repeat(43) },
      { token: 'x' },
    ]) {
      it(`has to come as ${JSON.stringify(body).slice(0, 60)} does not`, async () => {
        expectProblem(await verify(body), 422, 42210000);
      });
    }
  });

  describe('the page behind the link', () => {
    const page = (token: string) => api.call('GET', `/confirm/verify_email?token=${token}`);
    const press = (token: string) =>
      api.call('POST', '/confirm/verify_email', {
        body: `token=${token}`,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      });

    it('changes nothing when it is opened, and confirms the address with its button', async () => {
      const { email: to } = await signedUp(trading, api, { verified: false });
      const { token } = secretsOf(await lastMailTo(trading, to));
      for (let opened = 0; opened < 2; opened += 1) {
        const { status, headers, body } = await page(token);
        expect(status).to.equal(200);
        expect(headers.get('content-type')).to.match(/^text\/html/);
        expect(headers.get('cache-control')).to.equal('no-store');
        expect(headers.get('referrer-policy')).to.equal('no-referrer');
        expect(headers.get('content-security-policy')).to.include("default-src 'none'");
        expect(body)
          .to.include(`value="${token}"`)
          .and.not.match(/<script|style=|src=|\son\w+=/);
      }
      expect((await clientOf(to))!['email_verified_at']).to.equal(null);
      const done = await press(token);
      expect(done.status).to.equal(200);
      expect(done.body).to.include('is confirmed');
      expect((await clientOf(to))!['email_verified_at']).to.be.instanceOf(Date);
      const again = await press(token);
      expect([again.status, again.headers.get('content-type')]).to.deep.equal([
        422,
        'text/html; charset=utf-8',
      ]);
    });

    it('refuses what is no token, in a page, and shows nothing of it as HTML', async () => {
      const answer = await page('%22%3E%3Cscript%3E');
      expect(answer.status).to.equal(422);
      expect(answer.body)
        .to.match(/^<!doctype html>/)
        .and.not.include('<script');
    });

    it('is there for nothing else', async () => {
      const answer = await api.call('GET', `/confirm/second_factor?token=${'x'.repeat(43)}`);
      expectProblem(answer, 422, 42210000);
    });
  });
});
