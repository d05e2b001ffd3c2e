import { expect } from 'chai';
import type { Actor } from '../../src/audit/record.js';
import { PasswordLogin } from '../../src/identity/password-login.js';
import { createPerson, expectProblem, startApi, type Api } from '../support/api.js';
import { startTrading, type Trading } from '../support/trading.js';

const password = 'correct horse battery staple';

const STRANGER: Actor = {
  kind: 'anonymous',
  clientId: null,
  role: null,
  credential: null,
  ip: null,
  userAgent: null,
  requestId: null,
};

describe('logging in', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const login = (email: string, secret = password) =>
    api.call('POST', '/v2/sessions', { body: { email, password: secret } });

  it('gives an access token of 15 minutes that works', async () => {
    const { email } = await createPerson(trading, { password });
    const { status, body, headers } = await login(email);
    expect(status).to.equal(200);
    expect(headers.get('cache-control')).to.equal('no-store');
    expect(body).to.include({ token_type: 'Bearer', expires_in: 900, device_token: null });
    const Authorization = `Bearer ${body.access_token as string}`;
    const clock = await api.call('GET', '/v2/clock', { headers: { Authorization } });
    expect(clock.status).to.equal(200);
  });

  it('does not mind the case of the e-mail address', async () => {
    const { email } = await createPerson(trading, { password });
    expect((await login(email.toUpperCase())).status).to.equal(200);
  });

  it('does not mind the script of its domain', async () => {
    const { id } = await createPerson(trading, { password });
    const email = 'ada@xn--bcher-kva.example';
    await trading.container.db.knex('clients').where({ id }).update({ email });
    expect((await login('Ada@Bücher.Example')).status).to.equal(200);
  });

  it('still refuses after a restart, and in every other process', async () => {
    const { email } = await createPerson(trading, { password });
    for (let failure = 0; failure < 10; failure += 1) await login(email, 'wrong');
    const other = await startApi(trading);
    const answer = await other.call('POST', '/v2/sessions', { body: { email, password } });
    expectProblem(answer, 429, 42910000);
    await other.stop();
  });

  it('refuses a wrong password, an unknown user and a user without a password alike', async () => {
    const known = await createPerson(trading, { password });
    const keysOnly = await createPerson(trading);
    const answers = await Promise.all([
      login(known.email, 'wrong'),
      login('nobody@test.example'),
      login(keysOnly.email),
    ]);
    for (const answer of answers) expectProblem(answer, 401, 40110000);
    expect(new Set(answers.map(({ body }) => body.detail as string))).to.have.lengthOf(1);
  });

  it('takes as long for an unknown user as for a known one', async () => {
    const { email } = await createPerson(trading, { password });
    const time = async (name: string): Promise<number> => {
      const started = performance.now();
      await login(name, 'wrong');
      return performance.now() - started;
    };
    const known: number[] = [];
    const unknown: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      known.push(await time(email)); // in turn: whatever else the machine does slows down both
      unknown.push(await time(`nobody-${round}@test.example`));
    }
    expect(Math.min(...unknown)).to.be.greaterThan(Math.min(...known) * 0.5);
  });

  it('tells a suspended client where to ask, and only after the right password', async () => {
    const { email } = await createPerson(trading, { password, status: 'suspended' });
    expectProblem(await login(email, 'wrong'), 401, 40110000);
    const answer = await login(email);
    expectProblem(answer, 403, 40310000);
    expect(answer.body.detail).to.match(/support@/);
    expect(answer.body.client_status).to.equal('suspended');
  });

  it('refuses the eleventh attempt after ten failures, for that account only', async () => {
    const { email } = await createPerson(trading, { password });
    const other = await createPerson(trading, { password });
    for (let failure = 0; failure < 10; failure += 1) {
      expectProblem(await login(email, 'wrong'), 401, 40110000);
    }
    const refused = await login(email);
    expectProblem(refused, 429, 42910000);
    expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 900);
    expect((await login(other.email)).status).to.equal(200);
  });

  it('checks at most ten wrong passwords, however many come at once', async () => {
    const { email } = await createPerson(trading, { password });
    const answers = await Promise.all(Array.from({ length: 30 }, () => login(email, 'wrong')));
    expect(answers.filter(({ status }) => status === 401)).to.have.lengthOf(10);
    expect(answers.filter(({ status }) => status === 429)).to.have.lengthOf(20);
  });

  it('refuses every address after a hundred failures from many of them', async () => {
    const { email } = await createPerson(trading, { password });
    const logins = new PasswordLogin(trading.container.db.knex);
    const from = (guess: number): Actor => ({ ...STRANGER, ip: `192.0.2.${guess}` });
    for (let guess = 0; guess < 100; guess += 1) {
      const wrong = logins.check(email, 'wrong', from(guess)).catch((error: unknown) => error);
      expect(await wrong).to.include({ kind: 'unauthenticated' });
    }
    const refused = await logins.check(email, password, from(200)).catch((error: unknown) => error);
    expect(refused).to.include({ kind: 'rate_limited' });
    expectProblem(await login(email), 429, 42910000);
  });

  it('forgets the failures after a success', async () => {
    const { email } = await createPerson(trading, { password });
    for (let round = 0; round < 2; round += 1) {
      for (let failure = 0; failure < 9; failure += 1) await login(email, 'wrong');
      expect((await login(email)).status).to.equal(200);
    }
  });

  it('lets one person log in many times at once', async () => {
    const { email } = await createPerson(trading, { password });
    const answers = await Promise.all(Array.from({ length: 20 }, () => login(email)));
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]));
  });

  for (const body of [
    {},
    { email: 'a@b.c' },
    { email: 1, password: 2 },
    { email: '', password: '' },
  ]) {
    it(`refuses ${JSON.stringify(body)}`, async () => {
      expectProblem(await api.call('POST', '/v2/sessions', { body }), 422, 42210000);
    });
  }
});
