import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { generateSync } from 'otplib';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { mailsTo } from '../support/sent-mails.js';
import { sessionOf } from '../support/session.js';
import { toldTo } from '../support/told.js';
import { startTrading, type Trading } from '../support/trading.js';

const password = 'correct horse battery staple';
const STEP_SECONDS = 30;

describe('a second factor', () => {
  let trading: Trading;
  let api: Api;
  let person: Awaited<ReturnType<typeof createPerson>>;
  let session: { Authorization: string };

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });
  beforeEach(async () => {
    person = await createPerson(trading, { password });
    session = await sessionOf(trading, api, person, { steppedUp: true });
  });

  const call = (method: string, path: string, body?: object, headers = session): Promise<Answer> =>
    api.call(method, path, { headers, ...(body && { body }) });
  const login = (more: object = {}): Promise<Answer> =>
    api.call('POST', '/v2/sessions', { body: { email: person.email, password, ...more } });
  const finish = (body: object): Promise<Answer> => api.call('POST', '/v2/sessions/mfa', { body });
  const mailedCode = async (): Promise<string> =>
    (await mailsTo(trading, person.email))
      .filter(({ kind }) => kind === 'second_factor_code')
      .at(-1)!.secret!;

  /** A code of 30 s `steps` from now: the app's, or one that it showed or will show. */
  const codeOf = (secret: string, steps = 0): string =>
    generateSync({ secret, epoch: Math.floor(Date.now() / 1_000) + steps * STEP_SECONDS });
  /** So that a test's steps do not end in the middle of it. */
  const earlyInStep = async (): Promise<void> => {
    const leftMs = STEP_SECONDS * 1_000 - (Date.now() % (STEP_SECONDS * 1_000));
    if (leftMs < 4_000) await sleep(leftMs + 50);
  };
  const setUpTotp = async (): Promise<{ secret: string; recoveryCodes: string[] }> => {
    await earlyInStep();
    const { body } = await call('POST', '/v2/mfa/totp');
    const secret = body.secret as string;
    const confirmed = await call('POST', '/v2/mfa/totp/confirm', { code: codeOf(secret, -1) });
    expect(confirmed.status).to.equal(201);
    return { secret, recoveryCodes: confirmed.body.recovery_codes as string[] };
  };

  describe('of an authenticator app', () => {
    it('is set up with a secret, a URI and a picture, and counts once a code was given', async () => {
      const started = await call('POST', '/v2/mfa/totp');
      expect(started.status).to.equal(201);
      expect(started.body.uri).to.match(/^otpauth:\/\/totp\/BrokerX%2B:.*secret=[A-Z2-7]{32}/);
      expect(started.body.qr_code).to.match(/^data:image\/png;base64,/);
      expect((await login()).status).to.equal(200); // it does not count yet
      expectProblem(await call('POST', '/v2/mfa/totp/confirm', { code: '000000' }), 401, 40110000);
      const { body } = await call('POST', '/v2/mfa/totp/confirm', {
        code: codeOf(started.body.secret as string),
      });
      expect(body.factor).to.include({ kind: 'totp' });
      expect(body.recovery_codes).to.have.lengthOf(10);
      expect((await call('GET', '/v2/mfa')).body).to.deep.include({
        enabled: true,
        methods: ['totp', 'recovery_code'],
        recovery_codes_left: 10,
      });
      const rows = await trading.container.db
        .knex('second_factors')
        .whereNotNull('secret')
        .select<{ secret: Buffer }[]>('secret');
      expect(rows.map(({ secret }) => secret.toString('latin1')).join()).not.to.include(
        started.body.secret,
      );
    });

    it('is asked for after the password, and not before', async () => {
      const { secret } = await setUpTotp();
      const wrong = await api.call('POST', '/v2/sessions', {
        body: { email: person.email, password: 'wrong' },
      });
      expect(wrong.body).not.to.have.property('mfa_required');
      const asked = await login();
      expectProblem(asked, 401, 40110000);
      expect(asked.body).to.deep.include({
        mfa_required: true,
        methods: ['totp', 'recovery_code'],
      });
      expect(asked.body).not.to.have.property('access_token');
      const mfaToken = asked.body.mfa_token as string;
      expectProblem(await finish({ mfa_token: mfaToken, otp: '000000' }), 401, 40110000);
      const { status, body } = await finish({ mfa_token: mfaToken, otp: codeOf(secret) });
      expect(status).to.equal(200);
      const headers = { Authorization: `Bearer ${body.access_token as string}` };
      expect((await api.call('GET', '/v2/clock', { headers })).status).to.equal(200);
      const again = await finish({ mfa_token: mfaToken, otp: codeOf(secret, 1) });
      expectProblem(again, 401, 40110000); // one password opens one session
    });

    it('may come with the password', async () => {
      const { secret } = await setUpTotp();
      expect((await login({ otp: codeOf(secret) })).status).to.equal(200);
    });

    it('may be a step early or late, and no more', async () => {
      const { secret } = await setUpTotp();
      expectProblem(await login({ otp: codeOf(secret, -2) }), 401, 40110000);
      expectProblem(await login({ otp: codeOf(secret, 2) }), 401, 40110000);
      expect((await login({ otp: codeOf(secret, 1) })).status).to.equal(200);
    });

    it('is good for one use, also when 20 come at once', async () => {
      const { secret } = await setUpTotp();
      const otp = codeOf(secret);
      const answers = await Promise.all(Array.from({ length: 20 }, () => login({ otp })));
      expect(answers.filter(({ status }) => status === 200)).to.have.lengthOf(1);
      expectProblem(await login({ otp }), 401, 40110000);
    });

    it('is not an older one than the last', async () => {
      const { secret } = await setUpTotp();
      expect((await login({ otp: codeOf(secret, 1) })).status).to.equal(200);
      expectProblem(await login({ otp: codeOf(secret, 0) }), 401, 40110000);
    });

    it('is locked after three wrong ones, wherever they come from, and not for good', async () => {
      const { secret } = await setUpTotp();
      for (let wrong = 0; wrong < 3; wrong += 1) {
        expectProblem(await login({ otp: '000000' }), 401, 40110000);
      }
      const locked = await login({ otp: codeOf(secret) });
      expectProblem(locked, 429, 42910000);
      expect(Number(locked.headers.get('retry-after'))).to.be.within(1, 900);
      const other = await startApi(trading); // another process knows it, too
      const there = await other.call('POST', '/v2/sessions', {
        body: { email: person.email, password, otp: codeOf(secret) },
      });
      expectProblem(there, 429, 42910000);
      await other.stop();
      await trading.container.db
        .knex('attempt_limits')
        .where('key', `second-factor:${person.id}`)
        .update({ expire: Date.now() - 1 });
      expect((await login({ otp: codeOf(secret) })).status).to.equal(200);
    });

    it('lets at most three guesses through, however many come at once', async () => {
      await setUpTotp();
      const guesses = Array.from({ length: 20 }, () => login({ otp: '000000' }));
      const statuses = (await Promise.all(guesses)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 401)).to.have.lengthOf(3);
      expect(statuses.filter((status) => status === 429)).to.have.lengthOf(17);
    });

    it('ends the other sessions when it is set up, and is told by mail', async () => {
      const other = await sessionOf(trading, api, person);
      await setUpTotp();
      await eventually(async () => {
        expectProblem(await call('GET', '/v2/clock', undefined, other), 401, 40110000);
      }, 1_000);
      expect((await call('GET', '/v2/clock')).status).to.equal(200);
      const [told] = await toldTo(trading, person.id);
      expect(told).to.include({ event: 'security.second_factor_changed', hasMail: true });
    });

    it('is taken away again, with its recovery codes', async () => {
      const { recoveryCodes } = await setUpTotp();
      const { body } = await call('GET', '/v2/mfa');
      const path = `/v2/mfa/factors/${body.factors[0].id as string}`;
      const stranger = await createPerson(trading);
      const theirs = await sessionOf(trading, api, stranger, { steppedUp: true });
      expectProblem(await call('DELETE', path, undefined, theirs), 404, 40410000);
      expect((await call('DELETE', path)).status).to.equal(204);
      expect((await login()).status).to.equal(200);
      expect((await login({ otp: recoveryCodes[0] })).status).to.equal(200);
      expect((await call('GET', '/v2/mfa')).body).to.deep.include({
        enabled: false,
        recovery_codes_left: 0,
      });
    });
  });

  describe('of a recovery code', () => {
    it('is good once', async () => {
      const { recoveryCodes } = await setUpTotp();
      const [code] = recoveryCodes;
      const typed = code!.toUpperCase().replace('-', '');
      const answers = await Promise.all([login({ otp: code }), login({ otp: typed })]);
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 401]);
      expect((await call('GET', '/v2/mfa')).body.recovery_codes_left).to.equal(9);
      const rows = await trading.container.db.knex('recovery_codes');
      expect(JSON.stringify(rows)).not.to.include(code);
    });

    it('ends with new ones', async () => {
      const { recoveryCodes } = await setUpTotp();
      const { status, body } = await call('POST', '/v2/mfa/recovery_codes');
      expect(status).to.equal(201);
      expectProblem(await login({ otp: recoveryCodes[0] }), 401, 40110000);
      expect((await login({ otp: body.recovery_codes[0] })).status).to.equal(200);
    });
  });

  describe('by mail', () => {
    const ask = (mfaToken: string) =>
      api.call('POST', '/v2/sessions/mfa/challenge', {
        body: { mfa_token: mfaToken, method: 'email' },
      });

    it('is a code for one login', async () => {
      expect((await call('POST', '/v2/mfa/email')).status).to.equal(201);
      const { body } = await login();
      expect(body).to.deep.include({ mfa_required: true, methods: ['email', 'recovery_code'] });
      const mfaToken = body.mfa_token as string;
      expect((await ask(mfaToken)).body).to.deep.equal({ method: 'email', options: null });
      const otp = await mailedCode();
      expect(otp).to.match(/^\d{6}$/);
      expect((await finish({ mfa_token: mfaToken, otp })).status).to.equal(200);
      const next = (await login()).body.mfa_token as string;
      expectProblem(await finish({ mfa_token: next, otp }), 401, 40110000);
    });

    it('is not for those who have an app', async () => {
      await setUpTotp();
      const { body } = await login();
      const refused = await ask(body.mfa_token as string);
      expectProblem(refused, 422, 42210000);
      expect(refused.body.detail).to.include('totp');
    });

    it('is sent to nobody without the password', async () => {
      expectProblem(await ask('x'.repeat(43)), 401, 40110000);
    });
  });

  describe('for a step-up', () => {
    const wanted = { label: 'a bot' };
    beforeEach(async () => {
      session = await sessionOf(trading, api, person);
    });

    it('is asked for before an API key is made, and counts for five minutes', async () => {
      const refused = await call('POST', '/v2/api_keys', wanted);
      expectProblem(refused, 403, 40310000);
      expect(refused.body.step_up_required).to.equal(true);
      expect(
        (await call('POST', '/v2/sessions/step_up/challenge', { method: 'email' })).status,
      ).to.equal(200);
      expectProblem(await call('POST', '/v2/sessions/step_up', { otp: '000000' }), 401, 40110000);
      const done = await call('POST', '/v2/sessions/step_up', { otp: await mailedCode() });
      expect(done.status).to.equal(200);
      const minutes = (Date.parse(done.body.stepped_up_until as string) - Date.now()) / 60_000;
      expect(minutes).to.be.within(4.9, 5);
      expect((await call('POST', '/v2/api_keys', wanted)).status).to.equal(201);
      await trading.container.db
        .knex('sessions')
        .where({ client_id: person.id })
        .update({ stepped_up_at: new Date(Date.now() - 301_000) });
      expectProblem(await call('POST', '/v2/api_keys', wanted), 403, 40310000);
    });

    it('is also what a login with a second factor was', async () => {
      const setUp = await sessionOf(trading, api, person, { steppedUp: true });
      session = setUp;
      const { secret } = await setUpTotp();
      const { body } = await login({ otp: codeOf(secret) });
      const fresh = { Authorization: `Bearer ${body.access_token as string}` };
      expect((await call('POST', '/v2/api_keys', wanted, fresh)).status).to.equal(201);
    });

    it('is not what a login with the password alone was', async () => {
      const { body } = await login();
      const fresh = { Authorization: `Bearer ${body.access_token as string}` };
      expectProblem(await call('POST', '/v2/api_keys', wanted, fresh), 403, 40310000);
    });

    for (const [method, path] of [
      ['POST', '/v2/mfa/totp'],
      ['POST', '/v2/mfa/email'],
      ['POST', '/v2/mfa/passkeys/challenge'],
      ['POST', '/v2/mfa/recovery_codes'],
      ['DELETE', '/v2/mfa/factors/01890000-0000-7000-8000-000000000000'],
      ['POST', '/v2/api_keys'],
    ] as const) {
      it(`is needed for ${method} ${path}`, async () => {
        const refused = await call(method, path);
        expectProblem(refused, 403, 40310000);
        expect(refused.body.step_up_required).to.equal(true);
      });
    }
  });

  describe('of a trusted device', () => {
    it('is not needed there to log in, and is for a step-up', async () => {
      const { secret } = await setUpTotp();
      const first = await login({ otp: codeOf(secret), trust_device: true });
      const token = first.body.device_token as string;
      expect(token).to.be.a('string');
      const again = await login({ device_token: token });
      expect(again.status).to.equal(200);
      expect(again.body.device_token).to.equal(null);
      expect((await login()).body.mfa_required).to.equal(true);
      const headers = { Authorization: `Bearer ${again.body.access_token as string}` };
      expectProblem(await call('POST', '/v2/api_keys', { label: 'x' }, headers), 403, 40310000);
    });

    it('is needed again once it is not trusted any more, and for everybody else', async () => {
      const { secret } = await setUpTotp();
      const first = await login({ otp: codeOf(secret), trust_device: true });
      const token = first.body.device_token as string;
      const other = await createPerson(trading, { password });
      const theirs = await sessionOf(trading, api, other, { steppedUp: true });
      await call('POST', '/v2/mfa/email', undefined, theirs);
      const stolen = await api.call('POST', '/v2/sessions', {
        body: { email: other.email, password, device_token: token },
      });
      expect(stolen.body.mfa_required).to.equal(true);
      const { body } = await call('GET', '/v2/devices');
      const devices = body.devices as { id: string; trusted_until: string | null }[];
      const path = `/v2/devices/${devices.find((one) => one.trusted_until)!.id}`;
      expectProblem(await call('DELETE', path, undefined, theirs), 404, 40410000);
      expect((await call('DELETE', path)).status).to.equal(204);
      expect((await login({ device_token: token })).body.mfa_required).to.equal(true);
    });

    it('is not taken for one without a second factor', async () => {
      const { body } = await login({ trust_device: true });
      expect(body.device_token).to.equal(null);
    });
  });

  it('can be required of a role, and is then a code by mail', async () => {
    const strict = await startTrading(0, { MFA_REQUIRED_ROLES: 'admin,ops' });
    const strictApi = await startApi(strict);
    try {
      const admin = await createPerson(strict, { password, role: 'admin' });
      const client = await createPerson(strict, { password });
      const enter = (email: string) =>
        strictApi.call('POST', '/v2/sessions', { body: { email, password } });
      expect((await enter(admin.email)).body).to.deep.include({
        mfa_required: true,
        methods: ['email'],
      });
      expect((await enter(client.email)).status).to.equal(200);
    } finally {
      await strictApi.stop();
      await strict.stop();
    }
  });

  it('keeps a browser out that can only send a password', async () => {
    const admin = await createPerson(trading, { password, role: 'admin', scopes: ['admin'] });
    const basic = (name: string, secret: string) =>
      api.call('GET', '/admin/queues', {
        headers: { Authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` },
      });
    expect((await basic(admin.email, password)).status).to.equal(200);
    const theirs = await sessionOf(trading, api, { ...admin, role: 'admin' }, { steppedUp: true });
    await call('POST', '/v2/mfa/email', undefined, theirs);
    const fresh = await startApi(trading); // the first one remembers for a minute
    const refused = await fresh.call('GET', '/admin/queues', {
      headers: {
        Authorization: `Basic ${Buffer.from(`${admin.email}:${password}`).toString('base64')}`,
      },
    });
    expectProblem(refused, 403, 40310000);
    expect((await basic(admin.key_id, admin.secret_key)).status).to.equal(200);
    await fresh.stop();
  });
});
