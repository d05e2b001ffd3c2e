import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type { ApiKeyCredentials } from '../../src/identity/new-api-key.js';
import { createPerson, expectProblem, type Answer, type Api } from '../support/api.js';
import { CachedApis, untilHit, xCache } from '../support/cached-apis.js';
import { eventually } from '../support/eventually.js';
import { clientOf } from '../support/funding.js';
import { sessionOf } from '../support/session.js';
import type { Trading } from '../support/trading.js';

describe('the cache gives nobody what is not theirs', () => {
  let cached: CachedApis;
  let trading: Trading;
  let redis: Redis;
  let one: Api;
  let two: Api;
  let mine: ApiKeyCredentials;

  before(async () => {
    cached = await CachedApis.start();
    ({ trading, redis, one, two, mine } = cached);
  });
  after(() => cached.stop());
  beforeEach(() => cached.redis.flushdb());

  const idOf = ({ body }: Answer) => (body as { id: string }).id;

  it('of many clients at the same time, in two processes', async () => {
    const { accounts } = trading;
    const calls = Array.from({ length: 200 }, (_, index) => {
      const as = accounts[index % accounts.length]!;
      const api = index % 3 === 0 ? two : one;
      return api.call('GET', '/v2/account', { as }).then((answer) => ({ as, answer }));
    });
    for (const { as, answer } of await Promise.all(calls)) {
      expect(idOf(answer)).to.equal(as.account_id);
    }
  });

  it('even when an entry lies under the key of another client', async () => {
    const [first, second] = trading.accounts;
    await Promise.all([first, second].map((as) => one.call('GET', '/v2/account', { as })));
    const keys = await redis.keys('*:account:*');
    const keyOf = (id: string) => keys.find((key) => key.includes(id))!;
    await redis.copy(keyOf(first!.account_id), keyOf(second!.account_id), 'REPLACE');
    const answer = await one.call('GET', '/v2/account', { as: second });
    expect(xCache(answer)).to.equal('MISS');
    expect(idOf(answer)).to.equal(second!.account_id);
  });

  it('and the credentials of one client share an account', async () => {
    const { account_id: accountId } = trading.accounts[0]!;
    const person = { id: await clientOf(trading, 0), accountId };
    const headers = await sessionOf(trading, one, person);
    await one.call('GET', '/v2/account', { as: mine });
    const answer = await untilHit(one, '/v2/account', { headers });
    expect(idOf(answer)).to.equal(accountId);
  });

  it('nor what their credentials do not allow', async () => {
    const staff = await createPerson(trading, { role: 'ops', scopes: ['read', 'admin'] });
    const { account_id: accountId } = trading.accounts[0]!;
    const trader = await createPerson(trading, { scopes: ['trade'], accountId });
    const wrong = { ...mine, secret_key: 'x'.repeat(40) };
    for (const path of ['/v2/account', '/v2/assets/AAPL']) {
      await untilHit(one, path, { as: mine });
      expectProblem(await one.call('GET', path), 401, 40110000);
      expectProblem(await one.call('GET', path, { as: wrong }), 401, 40110000);
      expectProblem(await one.call('GET', path, { as: trader }), 403, 40310000);
    }
    expectProblem(await one.call('GET', '/v2/account', { as: staff }), 403, 40310000);
    expect((await one.call('GET', '/v2/assets/AAPL', { as: staff })).status).to.equal(200);
  });

  it('nor anything once they are suspended', async () => {
    const as = trading.accounts[3]!;
    await untilHit(one, '/v2/account', { as });
    const { knex } = trading.container.db;
    const id = await clientOf(trading, 3);
    await knex('clients').update({ status: 'suspended', updated_at: new Date() }).where({ id });
    await eventually(async () => {
      for (const path of ['/v2/account', '/v2/assets/AAPL']) {
        expectProblem(await one.call('GET', path, { as }), 403, 40310000);
      }
    }, 2_000);
  });
});
