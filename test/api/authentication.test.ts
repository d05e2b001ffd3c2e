import { expect } from 'chai';
import { operations } from '../../src/app.js';
import { createPerson, expectProblem, startApi, type Api, type Call } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { startTrading, type Trading } from '../support/trading.js';

/** Poll every 500 ms, and the second that is promised. */
const REVOKED_WITHIN_MS = 1_000;

describe('authentication', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(2);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const anId = '01890000-0000-7000-8000-000000000000';
  const pathOf = (path: string): string =>
    path.replaceAll('\\:', '~').replaceAll(/:\w+/g, anId).replaceAll('~', ':');

  describe('every route that is not public', () => {
    for (const { method, path, access } of operations) {
      if (access === 'public') continue;
      const name = `${method.toUpperCase()} ${path}`;

      it(`${name} refuses a caller without credentials`, async () => {
        const answer = await api.call(method.toUpperCase(), pathOf(path));
        expectProblem(answer, 401, 40110000);
        expect(answer.headers.get('www-authenticate')).to.match(/^Bearer /);
      });

      it(`${name} refuses an unknown key, a wrong secret and a bad token`, async () => {
        const { key_id } = trading.accounts[0]!;
        const wrong: Call[] = [
          { as: { key_id: 'PK000000000000000000', secret_key: 'x' } },
          { as: { key_id, secret_key: 'x'.repeat(40) } },
          { as: { key_id, secret_key: '' } },
          { as: { key_id: "' or 1=1 --", secret_key: 'x' } },
          { headers: { Authorization: 'Bearer x.y.z' } },
          { headers: { Authorization: 'Basic eDp5' } },
          { headers: { 'APCA-API-KEY-ID': key_id } },
        ];
        for (const options of wrong) {
          expectProblem(await api.call(method.toUpperCase(), pathOf(path), options), 401, 40110000);
        }
      });
    }
  });

  it('does not tell an unknown key from a wrong secret', async () => {
    const { key_id } = trading.accounts[0]!;
    const unknown = await api.call('GET', '/v2/account', {
      as: { key_id: 'PK000000000000000000', secret_key: 'x' },
    });
    const wrong = await api.call('GET', '/v2/account', { as: { key_id, secret_key: 'x' } });
    expect(unknown.body.detail).to.equal(wrong.body.detail);
  });

  it('accepts a key again and again, and a wrong secret never, although keys are remembered', async () => {
    const key = trading.accounts[0]!;
    for (let round = 0; round < 3; round += 1) {
      expect((await api.call('GET', '/v2/account', { as: key })).status).to.equal(200);
      const wrong = { ...key, secret_key: `${key.secret_key}x` };
      expectProblem(await api.call('GET', '/v2/account', { as: wrong }), 401, 40110000);
    }
  });

  it("shows another client's order as one that does not exist", async () => {
    const { id } = await trading.place({ account: 0, side: 'buy', qty: '1', price: '10' });
    const [owner, other] = trading.accounts;
    expect((await api.call('GET', `/v2/orders/${id}`, { as: owner })).status).to.equal(200);
    const theirs = await api.call('GET', `/v2/orders/${id}`, { as: other });
    const missing = await api.call('GET', `/v2/orders/${anId}`, { as: other });
    expectProblem(theirs, 404, 40410000);
    expect(theirs.body.detail).to.equal(missing.body.detail);
    expectProblem(await api.call('DELETE', `/v2/orders/${id}`, { as: other }), 404, 40410000);
  });

  it('lets a key that may only read not trade', async () => {
    const accountId = trading.accounts[0]!.account_id;
    const reader = await createPerson(trading, { scopes: ['read'], accountId });
    expect((await api.call('GET', '/v2/orders', { as: reader })).status).to.equal(200);
    expectProblem(await api.call('POST', '/v2/orders', { as: reader, body: {} }), 403, 40310000);
    expectProblem(await api.call('DELETE', '/v2/orders', { as: reader }), 403, 40310000);
  });

  it('tells staff, who have no account, so', async () => {
    const ops = await createPerson(trading, { role: 'ops', scopes: ['read', 'trade', 'admin'] });
    expectProblem(await api.call('GET', '/v2/account', { as: ops }), 403, 40310000);
    expect((await api.call('GET', '/v2/ledger/proof', { as: ops })).status).to.equal(200);
  });

  it('refuses a revoked key within a second', async () => {
    const person = await createPerson(trading, { accountId: trading.accounts[0]!.account_id });
    expect((await api.call('GET', '/v2/account', { as: person })).status).to.equal(200);
    await trading.container.db
      .knex('api_keys')
      .where({ id: person.key_id })
      .update({ revoked_at: new Date() });
    await eventually(async () => {
      expectProblem(await api.call('GET', '/v2/account', { as: person }), 401, 40110000);
    }, REVOKED_WITHIN_MS);
  });

  it("refuses a suspended client's key and session within a second, and accepts them afterwards", async () => {
    const { knex } = trading.container.db;
    const password = 'a long enough password';
    const person = await createPerson(trading, { password });
    const { body } = await api.call('POST', '/v2/sessions', {
      body: { email: person.email, password },
    });
    const headers = { Authorization: `Bearer ${body.access_token as string}` };
    expect((await api.call('GET', '/v2/clock', { headers })).status).to.equal(200);
    expect((await api.call('GET', '/v2/clock', { as: person })).status).to.equal(200);

    const status = (to: string) =>
      knex('clients').where({ id: person.id }).update({ status: to, updated_at: new Date() });
    await status('suspended');
    await eventually(async () => {
      expectProblem(await api.call('GET', '/v2/clock', { headers }), 401, 40110000);
      expectProblem(await api.call('GET', '/v2/clock', { as: person }), 403, 40310000);
    }, REVOKED_WITHIN_MS);

    await status('active');
    expect((await api.call('GET', '/v2/clock', { headers })).status).to.equal(200);
    expect((await api.call('GET', '/v2/clock', { as: person })).status).to.equal(200);
  });
});
