import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { ApiKeyCredentials } from '../../src/identity/new-api-key.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { sessionOf } from '../support/session.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('an API key', () => {
  let trading: Trading;
  let api: Api;
  let person: Awaited<ReturnType<typeof createPerson>>;
  let accountId: string;
  let session: { Authorization: string };

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
    accountId = trading.accounts[0]!.account_id;
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });
  beforeEach(async () => {
    person = await createPerson(trading);
    session = await sessionOf(trading, api, { ...person, accountId }, { steppedUp: true });
  });

  const call = (method: string, path: string, body?: object, headers = session): Promise<Answer> =>
    api.call(method, path, { headers, ...(body && { body }) });
  const make = (more: object = {}): Promise<Answer> =>
    call('POST', '/v2/api_keys', { label: 'a bot', ...more });
  const use = (as: ApiKeyCredentials, method = 'GET', path = '/v2/orders', body?: object) =>
    api.call(method, path, { as, ...(body && { body }) });

  it('is shown with its secret once, and works', async () => {
    const { status, headers, body } = await make();
    expect(status).to.equal(201);
    expect(headers.get('cache-control')).to.equal('no-store');
    expect(body).to.include({ label: 'a bot', account_id: accountId, revoked_at: null });
    expect(body.scopes).to.deep.equal(['read', 'trade']);
    expect((await use(body as ApiKeyCredentials)).status).to.equal(200);
    const listed = await call('GET', '/v2/api_keys');
    const one = await call('GET', `/v2/api_keys/${body.key_id as string}`);
    expect(JSON.stringify([listed.body, one.body])).not.to.include(body.secret_key);
    const { knex } = trading.container.db;
    const rows = [await knex('api_keys'), await knex('audit_entries'), await knex('request_keys')];
    expect(JSON.stringify(rows)).not.to.include(body.secret_key);
  });

  it('may do what its scopes say, and no more than its owner', async () => {
    const { body: reader } = await make({ scopes: ['read'] });
    expect((await use(reader as ApiKeyCredentials)).status).to.equal(200);
    const order = await use(reader as ApiKeyCredentials, 'POST', '/v2/orders', {});
    expectProblem(order, 403, 40310000);
    const admin = await make({ scopes: ['read', 'admin'] });
    expectProblem(admin, 422, 42210000);
    expect(admin.body.detail).to.include('admin');
  });

  it('is refused within a second once it is revoked, in every process', async () => {
    const other = await startApi(trading);
    const { body } = await make();
    const as = body as ApiKeyCredentials;
    for (const one of [api, other]) {
      expect((await one.call('GET', '/v2/orders', { as })).status).to.equal(200);
    }
    const path = `/v2/api_keys/${as.key_id}`;
    expect((await call('DELETE', path)).status).to.equal(204);
    await eventually(async () => {
      for (const one of [api, other]) {
        expectProblem(await one.call('GET', '/v2/orders', { as }), 401, 40110000);
      }
    }, 1_000);
    expect((await call('DELETE', path)).status).to.equal(204);
    expect((await call('GET', path)).body.revoked_at).to.be.a('string');
    await other.stop();
  });

  it('ends when it expires, although it is remembered', async () => {
    const expires_at = new Date(Date.now() + 1_000).toISOString();
    const { body } = await make({ expires_at });
    expect((await use(body as ApiKeyCredentials)).status).to.equal(200);
    await sleep(1_050);
    expectProblem(await use(body as ApiKeyCredentials), 401, 40110000);
  });

  it('tells when and from where it was used last', async () => {
    const { body } = await make();
    const path = `/v2/api_keys/${body.key_id as string}`;
    expect((await call('GET', path)).body.last_used_at).to.equal(null);
    await use(body as ApiKeyCredentials);
    api.identity.apiKeys.stop(); // writes what it has gathered
    await eventually(async () => {
      const { last_used_at: at, last_used_ip: ip } = (await call('GET', path)).body;
      expect(Date.now() - Date.parse(at as string)).to.be.within(0, 5_000);
      expect(ip).to.equal('127.0.0.1');
    });
    api.identity.apiKeys.start();
  });

  it('gets another label', async () => {
    const { body } = await make();
    const path = `/v2/api_keys/${body.key_id as string}`;
    expect((await call('PATCH', path, { label: 'another bot' })).body.label).to.equal(
      'another bot',
    );
    expectProblem(await call('PATCH', path, { scopes: ['read'] }), 422, 42210000);
  });

  it('of another client looks like one that does not exist', async () => {
    const { body } = await make();
    const stranger = await createPerson(trading);
    const theirs = await sessionOf(trading, api, stranger, { steppedUp: true });
    for (const id of [body.key_id as string, 'PK000000000000000000']) {
      for (const [method, change] of [
        ['GET', undefined],
        ['PATCH', { label: 'mine' }],
        ['DELETE', undefined],
      ] as const) {
        expectProblem(await call(method, `/v2/api_keys/${id}`, change, theirs), 404, 40410000);
      }
    }
    expect((await use(body as ApiKeyCredentials)).status).to.equal(200);
  });

  it('is one of twenty at most, also when many are made at once', async () => {
    const answers = await Promise.all(Array.from({ length: 25 }, () => make()));
    // createPerson has made one
    expect(answers.filter(({ status }) => status === 201)).to.have.lengthOf(19);
    expect(answers.filter(({ status }) => status === 422)).to.have.lengthOf(6);
  });

  const bad: [string, object][] = [
    ['label', { label: '' }],
    ['label', { label: 'x'.repeat(101) }],
    ['scopes', { scopes: [] }],
    ['scopes', { scopes: ['root'] }],
    ['scopes', { scopes: ['read', 'read'] }],
    ['expires_at', { expires_at: '2020-01-01T00:00:00Z' }],
    ['expires_at', { expires_at: 'soon' }],
    ['secret_key', { secret_key: 'mine' }],
  ];
  for (const [field, more] of bad) {
    it(`is not made with ${JSON.stringify(more).slice(0, 60)}`, async () => {
      const answer = await make(more);
      expectProblem(answer, 422, 42210000);
      expect(answer.body.errors[0].field).to.match(new RegExp(`^${field}`));
    });
  }
});
