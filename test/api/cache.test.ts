import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type { ApiKeyCredentials } from '../../src/identity/new-api-key.js';
import { expectProblem, type Answer, type Api } from '../support/api.js';
import {
  ANY_AGE,
  BY_ACCOUNT,
  CachedApis,
  FOR_EVERYONE,
  readAnew,
  TIMED,
  untilHit,
  xCache,
} from '../support/cached-apis.js';

describe('the cache', () => {
  let cached: CachedApis;
  let redis: Redis;
  let one: Api;
  let two: Api;
  let mine: ApiKeyCredentials;

  before(async () => {
    cached = await CachedApis.start();
    ({ redis, one, two, mine } = cached);
  });
  after(() => cached.stop());
  beforeEach(() => cached.redis.flushdb());

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
      await cached.setPrice('AAPL', '201');
      await readAnew(one, '/v2/positions/AAPL', mine);
      await cached.setPrice('AAPL', '202');
      expect(valueOf(await readAnew(two, '/v2/positions/AAPL', mine))).to.equal('202');
      expect(valueOf(await untilHit(one, '/v2/positions/AAPL', { as: mine }))).to.equal('202');
    });

    it('only if that is what it says', async () => {
      await untilHit(one, '/v2/account', { as: mine });
      const headers = { 'Cache-Control': 'max-age=10, x-no-cache-here' };
      expect(xCache(await untilHit(one, '/v2/account', { as: mine, headers }))).to.equal('HIT');
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
