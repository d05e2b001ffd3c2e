import { expect } from 'chai';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { toldTo } from '../support/told.js';
import { startTrading, type Trading } from '../support/trading.js';

const password = 'correct horse battery staple';
/** What is promised. */
const REVOKED_WITHIN_MS = 1_000;

interface Tokens {
  access_token: string;
  refresh_token: string;
  session_id: string;
}

describe('a session', () => {
  let trading: Trading;
  let api: Api;
  let person: Awaited<ReturnType<typeof createPerson>>;

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
  });

  const login = async (userAgent = 'a browser'): Promise<Tokens> => {
    const headers = { 'User-Agent': userAgent };
    const body = { email: person.email, password };
    return (await api.call('POST', '/v2/sessions', { body, headers })).body as Tokens;
  };
  const refresh = (token: string): Promise<Answer> =>
    api.call('POST', '/v2/sessions/refresh', { body: { refresh_token: token } });
  const as = ({ access_token: token }: Tokens) => ({ Authorization: `Bearer ${token}` });
  const call = (method: string, path: string, tokens: Tokens): Promise<Answer> =>
    api.call(method, path, { headers: as(tokens) });
  const untilEnded = (ask: () => Promise<Answer>): Promise<void> =>
    eventually(async () => expectProblem(await ask(), 401, 40110000), REVOKED_WITHIN_MS);
  const acts = async (): Promise<string[]> => {
    const rows = await trading.container.db
      .knex('audit_entries')
      .where({ client_id: person.id })
      .orderBy('id')
      .select<{ action: string }[]>('action');
    return rows.map(({ action }) => action);
  };

  it('goes on with a new refresh token each time', async () => {
    const first = await login();
    const { status, headers, body } = await refresh(first.refresh_token);
    expect(status).to.equal(200);
    expect(headers.get('cache-control')).to.equal('no-store');
    expect(body).to.include({ session_id: first.session_id, expires_in: 900 });
    expect(body.refresh_token).not.to.equal(first.refresh_token);
    expect((await call('GET', '/v2/clock', body as Tokens)).status).to.equal(200);
    expect((await refresh(body.refresh_token as string)).status).to.equal(200);
  });

  it('ends for everybody when a spent refresh token comes again', async () => {
    const first = await login();
    const { body } = await refresh(first.refresh_token);
    expectProblem(await refresh(first.refresh_token), 401, 40110000);
    expectProblem(await refresh(body.refresh_token as string), 401, 40110000);
    await untilEnded(() => call('GET', '/v2/clock', body as Tokens));
    expect(await acts()).to.include.members(['session.token_reused', 'session.ended']);
  });

  it('goes on once when 50 ask at once with the same token', async () => {
    const { refresh_token: token } = await login();
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(token)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).to.have.lengthOf(1);
    expect(statuses.filter((status) => status === 401)).to.have.lengthOf(49);
  });

  it('keeps only hashes of its tokens', async () => {
    const { refresh_token: token } = await login();
    const dump = JSON.stringify([
      await trading.container.db.knex('refresh_tokens'),
      await trading.container.db.knex('sessions'),
      await trading.container.db.knex('audit_entries'),
      await trading.container.db.knex('request_keys'),
    ]);
    expect(dump).not.to.include(token);
    expect(dump).not.to.include(Buffer.from(token).toString('hex'));
  });

  it('is not refreshed for a client who was suspended', async () => {
    const { refresh_token: token } = await login();
    await trading.container.db
      .knex('clients')
      .where({ id: person.id })
      .update({ status: 'suspended', updated_at: new Date() });
    expectProblem(await refresh(token), 401, 40110000);
  });

  for (const token of ['', 'x', 'x'.repeat(43), "' or 1=1 --"]) {
    it(`is not refreshed with ${JSON.stringify(token)}`, async () => {
      const answer = await refresh(token);
      expect(answer.status).to.equal(token === '' ? 422 : 401);
    });
  }

  it('is listed with where it came from, and ends within a second when it is revoked', async () => {
    const laptop = await login('a laptop');
    const phone = await login('a phone');
    const { body } = await call('GET', '/v2/sessions', laptop);
    expect(body.sessions).to.have.lengthOf(2);
    expect(body.sessions[0]).to.deep.include({
      id: phone.session_id,
      current: false,
      user_agent: 'a phone',
      methods: ['pwd'],
      stepped_up_at: null,
    });
    expect(body.sessions[1]).to.include({ id: laptop.session_id, current: true });
    const gone = await call('DELETE', `/v2/sessions/${phone.session_id}`, laptop);
    expect(gone.status).to.equal(204);
    await untilEnded(() => call('GET', '/v2/clock', phone));
    expectProblem(await refresh(phone.refresh_token), 401, 40110000);
    expect((await call('GET', '/v2/clock', laptop)).status).to.equal(200);
    expect((await call('GET', '/v2/sessions', laptop)).body.sessions).to.have.lengthOf(1);
  });

  it('ends with the logout, in every process', async () => {
    const other = await startApi(trading);
    const tokens = await login();
    const headers = as(tokens);
    expect((await other.call('GET', '/v2/clock', { headers })).status).to.equal(200);
    expect((await call('DELETE', '/v2/sessions/current', tokens)).status).to.equal(204);
    await untilEnded(() => other.call('GET', '/v2/clock', { headers }));
    expectProblem(await call('GET', '/v2/clock', tokens), 401, 40110000);
    await other.stop();
  });

  it('can end all the others', async () => {
    const mine = await login();
    const others = [await login(), await login()];
    expect((await call('DELETE', '/v2/sessions', mine)).status).to.equal(204);
    for (const one of others) await untilEnded(() => call('GET', '/v2/clock', one));
    expect((await call('GET', '/v2/clock', mine)).status).to.equal(200);
  });

  it('of another client looks like one that does not exist', async () => {
    const mine = await login();
    const stranger = await createPerson(trading, { password });
    const theirs = await api.call('POST', '/v2/sessions', {
      body: { email: stranger.email, password },
    });
    const answer = await call('DELETE', `/v2/sessions/${theirs.body.session_id as string}`, mine);
    expectProblem(answer, 404, 40410000);
  });

  it('is for people: a program cannot see or end any', async () => {
    for (const [method, path] of [
      ['GET', '/v2/sessions'],
      ['DELETE', '/v2/sessions'],
      ['GET', '/v2/devices'],
      ['GET', '/v2/api_keys'],
      ['POST', '/v2/mfa/totp'],
    ] as const) {
      expectProblem(await api.call(method, path, { as: person }), 403, 40310000);
    }
  });

  it('from a new device is told by mail, from the first and from known ones it is not', async () => {
    await login('a laptop');
    await login('a laptop');
    expect(await toldTo(trading, person.id)).to.deep.equal([]);
    await login('a phone');
    const [told, ...others] = await toldTo(trading, person.id);
    expect(others).to.deep.equal([]);
    expect(told).to.include({ event: 'security.new_device', hasMail: true });
    expect(told!.data).to.include({ device: 'a phone' });
  });

  it('is audited with address and device, and so is every refusal', async () => {
    await login('a laptop');
    await api.call('POST', '/v2/sessions', { body: { email: person.email, password: 'wrong' } });
    expect(await acts()).to.deep.equal(['session.opened', 'login.refused']);
    const [opened] = await trading.container.db
      .knex('audit_entries')
      .where({ client_id: person.id })
      .orderBy('id')
      .select<{ content: string }[]>('content');
    const { origin, actor } = JSON.parse(opened!.content);
    expect(origin).to.include({ ip: '127.0.0.1', user_agent: 'a laptop' });
    expect(actor).to.include({ kind: 'person', client_id: person.id });
  });
});
