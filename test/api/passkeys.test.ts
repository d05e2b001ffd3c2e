import { expect } from 'chai';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { Passkey } from '../support/passkey.js';
import { sessionOf } from '../support/session.js';
import { startTrading, type Trading } from '../support/trading.js';

const password = 'correct horse battery staple';
const ORIGIN = 'https://app.brokerx.example';
const DOMAIN = 'app.brokerx.example';

describe('a passkey', () => {
  let trading: Trading;
  let api: Api;
  let person: Awaited<ReturnType<typeof createPerson>>;
  let session: { Authorization: string };
  let passkey: Passkey;

  before(async () => {
    trading = await startTrading(1, { WEBAUTHN_ORIGINS: ORIGIN });
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });
  beforeEach(async () => {
    person = await createPerson(trading, { password });
    session = await sessionOf(trading, api, person, { steppedUp: true });
    passkey = new Passkey(ORIGIN, DOMAIN);
  });

  const call = (method: string, path: string, body?: object, headers = session): Promise<Answer> =>
    api.call(method, path, { headers, ...(body && { body }) });
  const options = async () => (await call('POST', '/v2/mfa/passkeys/challenge')).body.options;
  const register = async (key = passkey): Promise<Answer> => {
    const webauthn = key.create(await options());
    return await call('POST', '/v2/mfa/passkeys', { label: 'my key', webauthn });
  };
  const startLogin = async () => {
    const { body } = await api.call('POST', '/v2/sessions', {
      body: { email: person.email, password },
    });
    const mfaToken = body.mfa_token as string;
    const challenge = await api.call('POST', '/v2/sessions/mfa/challenge', {
      body: { mfa_token: mfaToken, method: 'webauthn' },
    });
    return { mfaToken, options: challenge.body.options, methods: body.methods };
  };
  const finish = (mfaToken: string, webauthn: object): Promise<Answer> =>
    api.call('POST', '/v2/sessions/mfa', { body: { mfa_token: mfaToken, webauthn } });

  it('is made by a browser, and logs in with the password', async () => {
    const made = await register();
    expect(made.status).to.equal(201);
    expect(made.body.factor).to.include({ kind: 'webauthn', label: 'my key' });
    expect(made.body.recovery_codes).to.have.lengthOf(10);
    const { mfaToken, options: asked, methods } = await startLogin();
    expect(methods).to.deep.equal(['webauthn', 'recovery_code']);
    expect(asked.allowCredentials).to.have.lengthOf(1);
    const { status, body } = await finish(mfaToken, passkey.get(asked));
    expect(status).to.equal(200);
    const headers = { Authorization: `Bearer ${body.access_token as string}` };
    const { sessions } = (await call('GET', '/v2/sessions', undefined, headers)).body;
    expect(sessions[0].methods).to.deep.equal(['pwd', 'hwk', 'mfa']);
  });

  it('steps up', async () => {
    await register();
    const weak = await sessionOf(trading, api, person);
    const asked = await call(
      'POST',
      '/v2/sessions/step_up/challenge',
      { method: 'webauthn' },
      weak,
    );
    const webauthn = passkey.get(asked.body.options);
    expect((await call('POST', '/v2/sessions/step_up', { webauthn }, weak)).status).to.equal(200);
    expect((await call('POST', '/v2/api_keys', { label: 'x' }, weak)).status).to.equal(201);
  });

  it('signs a challenge once, also when its answer comes many times at once', async () => {
    await register();
    const { mfaToken, options: asked } = await startLogin();
    const signed = passkey.get(asked);
    const answers = await Promise.all([1, 2, 3].map(() => finish(mfaToken, signed)));
    expect(answers.filter(({ status }) => status === 200)).to.have.lengthOf(1);
  });

  const wrong: Record<string, (asked: Record<string, unknown>) => object> = {
    'another challenge': () => passkey.get({ challenge: 'AAAA' }),
    'another key': (asked) => new Passkey(ORIGIN, DOMAIN).get(asked),
    'another site': (asked) => {
      const phished = new Passkey('https://evil.example', DOMAIN);
      return Object.assign(phished.get(asked), { id: passkey.id.toString('base64url') });
    },
    'a count that goes backwards, as of a copy': (asked) => {
      passkey.count = 0;
      return passkey.get(asked);
    },
  };
  for (const [name, sign] of Object.entries(wrong)) {
    it(`is refused with ${name}`, async () => {
      await register();
      const first = await startLogin();
      await finish(first.mfaToken, passkey.get(first.options));
      const { mfaToken, options: asked } = await startLogin();
      expectProblem(await finish(mfaToken, sign(asked)), 401, 40110000);
    });
  }

  it('is not made for another challenge, for another site, or twice', async () => {
    await options();
    const stale = passkey.create({ challenge: 'AAAA' });
    expectProblem(await call('POST', '/v2/mfa/passkeys', { webauthn: stale }), 422, 42210000);
    const phished = new Passkey('https://evil.example', DOMAIN);
    expectProblem(await register(phished), 422, 42210000);
    expect((await register()).status).to.equal(201);
    expectProblem(await register(), 422, 42210000);
  });

  it('cannot be made without asking for a challenge first', async () => {
    const webauthn = passkey.create({ challenge: 'AAAA' });
    expectProblem(await call('POST', '/v2/mfa/passkeys', { webauthn }), 422, 42210000);
  });
});
