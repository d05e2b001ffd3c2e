import { expect } from 'chai';
import { Redis } from 'ioredis';
import type { ApiKeyCredentials } from '../../src/identity/new-api-key.js';
import { operations } from '../../src/app.js';
import { advanceTape } from '../../src/market/tape.js';
import { AnswerSchemas, type AnswersDocument } from '../support/answer-schemas.js';
import { createPerson, expectProblem, startApi, type Answer, type Api } from '../support/api.js';
import { readAnew, untilHit, xCache } from '../support/cached-apis.js';
import { eventually } from '../support/eventually.js';
import { clientOf } from '../support/funding.js';
import { createTestRedis, type TestRedis } from '../support/redis.js';
import { sessionOf } from '../support/session.js';
import { startTrading, usd, type Trading } from '../support/trading.js';

const FOR_EVERYONE = [
  '/v2/assets',
  '/v2/assets/AAPL',
  '/v2/assets/BTC%2FUSD',
  '/v2/assets/BTC/USD',
  '/v2/assets?status=active&asset_class=crypto',
  '/v2/clock',
  '/v3/clock?markets=NYSE',
  '/v2/calendar?start=2026-11-02&end=2026-11-30',
  '/v3/calendar/NYSE',
  '/v2/markets/AAPL/book?depth=5',
  '/v2/markets/BTC/USD/book',
  '/v2/markets/AAPL/bands',
  '/v2/markets/BTC/USD/bands',
  ...[
    'bars?timeframe=1Day&',
    'bars/latest?',
    'trades?',
    'trades/latest?',
    'quotes/latest?',
  ].flatMap((what) => [`/v2/stocks/${what}symbols=AAPL`, `/v2/stocks/AAPL/${what.slice(0, -1)}`]),
  '/v2/stocks/snapshots?symbols=AAPL',
  '/v2/stocks/AAPL/snapshot',
  ...['bars?timeframe=1Day&', 'trades?', 'snapshots?'].map(
    (what) => `/v1beta3/crypto/us/${what}symbols=BTC/USD`,
  ),
  ...['bars', 'trades', 'quotes', 'orderbooks'].map(
    (what) => `/v1beta3/crypto/us/latest/${what}?symbols=BTC/USD`,
  ),
];
/** These tell the time. */
const TIMED = /clock|book|quotes|snapshot/;
const BY_ACCOUNT = [
  '/v2/account',
  '/v2/positions',
  '/v2/positions/AAPL',
  '/v2/positions/BTC/USD',
  '/v2/account/portfolio/history?period=1D',
];
/** Without it `fetch` says no-cache of itself, as soon as there is an If-None-Match. */
const ANY_AGE = { 'Cache-Control': 'max-age=60' };
const NO_CACHE = { 'Cache-Control': 'no-cache' };

describe('the cache', () => {
  let trading: Trading;
  let cacheRedis: TestRedis;
  let redis: Redis;
  let one: Api;
  let two: Api;
  let mine: ApiKeyCredentials;

  before(async () => {
    trading = await startTrading(4);
    cacheRedis = await createTestRedis();
    redis = new Redis(cacheRedis.url);
    const settings = { cacheRedisUrl: cacheRedis.url };
    one = await startApi(trading, { cache: true, settings });
    two = await startApi(trading, { cache: true, settings });
    mine = trading.accounts[0]!;
    for (const side of ['sell', 'buy'] as const) {
      const account = side === 'sell' ? 2 : 3;
      await trading.place({ account, side, qty: '1', price: '150' });
    }
    await trading.settle();
    await advanceTape(trading.container.db.knex, 'always');
  });
  after(async () => {
    await one.stop();
    await two.stop();
    redis.disconnect();
    await cacheRedis.close();
    await trading.stop();
  });
  beforeEach(() => redis.flushdb());

  const setPrice = (symbol: string, price: string) =>
    trading.container.db
      .knex('market_prices')
      .update({ last_price: String(usd(price)) })
      .where({ asset_id: trading.container.catalog.find(symbol)!.id });

  describe('answers with what it kept', () => {
    for (const path of [...FOR_EVERYONE, ...BY_ACCOUNT]) {
      it(`of ${path}, in every process, as the route would`, async () => {
        const uncached = await readAnew(one, path, mine);
        expect(uncached.status).to.equal(200);
        for (const api of [one, two]) {
          const hit = await untilHit(api, path, { as: mine });
          expect(hit.status).to.equal(200);
          for (const name of ['content-type', 'cache-control']) {
            expect(hit.headers.get(name), name).to.equal(uncached.headers.get(name));
          }
          if (!TIMED.test(path)) expect(hit.body).to.deep.equal(uncached.body);
        }
      });
    }

    it('after a MISS', async () => {
      const path = '/v2/account';
      const first = await one.call('GET', path, { as: mine });
      expect(xCache(first)).to.equal('MISS');
      const second = await one.call('GET', path, { as: mine });
      expect(xCache(second)).to.equal('HIT');
      expect(second.body).to.deep.equal(first.body);
      expect(second.headers.get('etag')).to.equal(first.headers.get('etag'));
    });

    it('in whatever order the parameters are', async () => {
      await one.call('GET', '/v2/assets?status=all&exchange=NYSE', { as: mine });
      const [key] = await redis.keys('*');
      await two.call('GET', '/v2/assets?exchange=NYSE&status=all', { as: mine });
      expect(key).to.be.a('string');
      expect(await redis.keys('*')).to.deep.equal([key]);
    });

    it('but for another query it asks the route', async () => {
      await one.call('GET', '/v2/assets?asset_class=crypto', { as: mine });
      const { body } = await one.call('GET', '/v2/assets?asset_class=us_equity', { as: mine });
      const classes = new Set((body as { class: string }[]).map((asset) => asset.class));
      expect([...classes]).to.deep.equal(['us_equity']);
    });

    it('and keeps no refusal', async () => {
      for (let time = 0; time < 2; time += 1) {
        const missing = await one.call('GET', '/v2/positions/NVDA', { as: mine });
        expectProblem(missing, 404, 40410000);
        expect(xCache(missing)).to.equal(null);
        expect(missing.headers.get('cache-control')).to.equal('no-store');
        expectProblem(await one.call('GET', '/v2/assets?status=x', { as: mine }), 422, 42210000);
      }
      expect(await redis.keys('*')).to.deep.equal([]);
    });
  });

  it('lets everything expire within a second', async () => {
    for (const path of [...FOR_EVERYONE, ...BY_ACCOUNT]) await one.call('GET', path, { as: mine });
    const long = `/v2/assets?symbols=${'AAPL,'.repeat(100)}MSFT`;
    expect((await one.call('GET', long, { as: mine })).status).to.equal(200);
    const keys = await redis.keys('*');
    expect(keys).to.have.length.above(5);
    for (const key of keys) {
      expect(key).to.match(/^brokerx:cache:1:[\da-f]{12}:[a-z_]+:[^:]+:\S{1,250}$/);
      expect(await redis.pttl(key), key)
        .to.be.within(-2, 1_000)
        .and.not.equal(-1);
    }
  });

  describe('gives nobody what is not theirs', () => {
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

  describe('is passed by with Cache-Control: no-cache', () => {
    for (const value of ['no-cache', 'no-store', 'max-age=0', 'private, No-Cache']) {
      it(`written as ${value}`, async () => {
        await untilHit(one, '/v2/account', { as: mine });
        const headers = { 'Cache-Control': value };
        const answer = await one.call('GET', '/v2/account', { as: mine, headers });
        expect(xCache(answer)).to.equal('BYPASS');
      });
    }

    it('and has the new answer for the next ones', async () => {
      const valueOf = ({ body }: Answer) => (body as { current_price: string }).current_price;
      await setPrice('AAPL', '201');
      await readAnew(one, '/v2/positions/AAPL', mine);
      await setPrice('AAPL', '202');
      expect(valueOf(await readAnew(two, '/v2/positions/AAPL', mine))).to.equal('202');
      expect(valueOf(await untilHit(one, '/v2/positions/AAPL', { as: mine }))).to.equal('202');
    });

    it('only if that is what it says', async () => {
      await untilHit(one, '/v2/account', { as: mine });
      const headers = { 'Cache-Control': 'max-age=10, x-no-cache-here' };
      expect(xCache(await untilHit(one, '/v2/account', { as: mine, headers }))).to.equal('HIT');
    });
  });

  describe('has an ETag, and answers 304 to who has the same', () => {
    for (const path of ['/v2/account', '/v2/assets/AAPL']) {
      it(`at ${path}, found or not`, async () => {
        const { headers, body } = await one.call('GET', path, { as: mine });
        const etag = headers.get('etag')!;
        expect(etag).to.match(/^"[\w-]{22}"$/);
        const ways = [ANY_AGE, NO_CACHE].flatMap((more) =>
          [etag, `W/${etag}`, `"other", ${etag}`, '*'].map((known) => ({
            ...more,
            'If-None-Match': known,
          })),
        );
        const seen = new Set<string | null>();
        for (const way of ways) {
          const answer = await two.call('GET', path, { as: mine, headers: way });
          expect(answer.status, JSON.stringify(way)).to.equal(304);
          expect(answer.body).to.equal('');
          seen.add(xCache(answer));
          expect(answer.headers.get('etag')).to.equal(etag);
          expect(answer.headers.get('content-type')).to.equal(null);
        }
        expect([...seen]).to.include.members(['HIT', 'BYPASS']);
        const known = { ...ANY_AGE, 'If-None-Match': '"other", W/"another"' };
        const answer = await two.call('GET', path, { as: mine, headers: known });
        expect(answer.status).to.equal(200);
        expect(answer.body).to.deep.equal(body);
      });
    }

    it('wherever the document says so', async () => {
      const { body } = await one.call('GET', '/openapi.json');
      const schemas = new AnswerSchemas(body as AnswersDocument);
      for (const path of [...FOR_EVERYONE, ...BY_ACCOUNT]) {
        const headers = { ...ANY_AGE, 'If-None-Match': '*' };
        const answer = await one.call('GET', path, { as: mine, headers });
        expect(answer.status, path).to.equal(304);
        expect(schemas.fault('GET', path, answer)).to.equal(null);
      }
      const documented = operations.filter(({ cached }) => cached);
      expect(schemas.fitting.size).to.equal(documented.length);
    });

    it('which is another one when the answer is', async () => {
      await setPrice('MSFT', '401');
      const { headers } = await readAnew(one, '/v2/positions/MSFT', mine);
      await setPrice('MSFT', '402');
      const known = { ...ANY_AGE, 'If-None-Match': headers.get('etag')! };
      await eventually(async () => {
        const answer = await one.call('GET', '/v2/positions/MSFT', { as: mine, headers: known });
        expect(answer.status).to.equal(200);
      }, 3_000);
    });

    it('and to HEAD without a body', async () => {
      const { headers } = await one.call('GET', '/v2/assets', { as: mine });
      const head = await one.call('HEAD', '/v2/assets', { as: mine });
      expect(head.status).to.equal(200);
      expect(head.body).to.equal('');
      for (const name of ['etag', 'content-type', 'content-length']) {
        expect(head.headers.get(name), name).to.equal(headers.get(name)).and.not.equal(null);
      }
      expect(xCache(head)).to.equal('HIT');
    });
  });

  describe('takes for an entry only what it has written', () => {
    const spoilt: Record<string, (entry: Buffer) => Buffer> = {
      'an empty one': () => Buffer.alloc(0),
      'something else': () => Buffer.from('{"id":"x"}'),
      'a part of one': (entry) => entry.subarray(0, entry.length - 5),
      'one with a bit turned over': (entry) => {
        const copy = Buffer.from(entry);
        copy[copy.length - 20]! ^= 1;
        return copy;
      },
      'one with more behind it': (entry) => Buffer.concat([entry, Buffer.from(' ')]),
    };
    for (const [what, spoil] of Object.entries(spoilt)) {
      it(`not ${what}`, async () => {
        const { body } = await one.call('GET', '/v2/account', { as: mine });
        const [key] = await redis.keys('*:account:*');
        await redis.set(key!, spoil((await redis.getBuffer(key!))!), 'PX', 60_000);
        const answer = await one.call('GET', '/v2/account', { as: mine });
        expect(answer.status).to.equal(200);
        expect(xCache(answer)).to.equal('MISS');
        expect(answer.body).to.deep.equal(body);
      });
    }

    it('nor something that is no text', async () => {
      await one.call('GET', '/v2/account', { as: mine });
      const [key] = await redis.keys('*:account:*');
      await redis.del(key!);
      await redis.lpush(key!, 'x');
      expect((await one.call('GET', '/v2/account', { as: mine })).status).to.equal(200);
    });
  });

  it('counts what it does, by endpoint', async () => {
    await untilHit(one, '/v2/account', { as: mine });
    await readAnew(one, '/v2/account', mine);
    const headers = { ...ANY_AGE, 'If-None-Match': '*' };
    await one.call('GET', '/v2/account', { as: mine, headers });
    const { body } = await one.call('GET', '/metrics');
    for (const result of ['hit', 'miss', 'bypass']) {
      expect(body).to.match(
        new RegExp(`brokerx_cache_requests_total{cache="account",result="${result}"} [1-9]`),
      );
    }
    expect(body).to.match(/brokerx_cache_not_modified_total{cache="account"} [1-9]/);
    expect(body).to.match(/brokerx_cache_errors_total{cache="account"} 0/);
  });
});
