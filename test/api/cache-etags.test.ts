import { expect } from 'chai';
import { operations } from '../../src/app.js';
import type { ApiKeyCredentials } from '../../src/identity/new-api-key.js';
import { AnswerSchemas, type AnswersDocument } from '../support/answer-schemas.js';
import type { Api } from '../support/api.js';
import {
  ANY_AGE,
  BY_ACCOUNT,
  CachedApis,
  FOR_EVERYONE,
  NO_CACHE,
  readAnew,
  xCache,
} from '../support/cached-apis.js';
import { eventually } from '../support/eventually.js';

describe('the cache has an ETag, and answers 304 to who has the same', () => {
  let cached: CachedApis;
  let one: Api;
  let two: Api;
  let mine: ApiKeyCredentials;

  before(async () => {
    cached = await CachedApis.start();
    ({ one, two, mine } = cached);
  });
  after(() => cached.stop());
  beforeEach(() => cached.redis.flushdb());

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
    await cached.setPrice('MSFT', '401');
    const { headers } = await readAnew(one, '/v2/positions/MSFT', mine);
    await cached.setPrice('MSFT', '402');
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
