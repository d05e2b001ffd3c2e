import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import Koa from 'koa';
import { notFound } from '../../src/errors.js';
import { CacheEntries } from '../../src/http/cache-entries.js';
import { type CachePolicy, createCached } from '../../src/http/cache.js';
import { answerErrors } from '../../src/http/error-handler.js';
import { eventually } from '../support/eventually.js';
import { createTestRedis, type TestRedis } from '../support/redis.js';

const CLIENTS = 100;
/** Longer than a hundred connections take to come in. */
const HANDLER_MS = 400;

describe('a hundred who ask for the same at the same time', () => {
  let cacheRedis: TestRedis;
  let redis: Redis;
  let stop: (() => Promise<void>)[] = [];
  let version = '1';

  before(async () => {
    cacheRedis = await createTestRedis();
    redis = new Redis(cacheRedis.url);
    await once(redis, 'ready');
  });
  after(async () => {
    redis.disconnect();
    await cacheRedis.close();
  });
  afterEach(async () => {
    await Promise.all(stop.map((end) => end()));
    stop = [];
    await redis.flushdb();
  });

  /** An application whose one route is slow. @returns its address */
  async function serve(policy: Partial<CachePolicy>, handler: Koa.Middleware): Promise<string> {
    const cached = createCached({
      entries: new CacheEntries(redis),
      accountVersion: () => Promise.resolve(version),
      namespace: 'test',
    });
    const app = new Koa();
    app.use(answerErrors);
    app.use((ctx, next) => {
      ctx.state.accountId = ctx.get('Account') || 'nobody';
      return next();
    });
    app.use(cached({ name: 'test', audience: 'everyone', ttlMs: 1_000, ...policy }));
    app.use(handler);
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stop.push(async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  const ask = (url: string, headers: Record<string, string> = {}) =>
    Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const answer = await fetch(url, { headers });
        return { status: answer.status, text: await answer.text() };
      }),
    );

  for (const audience of ['everyone', 'account'] as const) {
    it(`have the route answer once, when it is for ${audience}`, async () => {
      let calls = 0;
      const url = await serve({ audience }, async (ctx) => {
        calls += 1;
        await sleep(HANDLER_MS);
        ctx.body = { calls };
      });
      const answers = await ask(url);
      expect(new Set(answers.map(({ text }) => text))).to.deep.equal(new Set(['{"calls":1}']));
      expect(calls).to.equal(1);
    });
  }

  it('have it refuse once', async () => {
    let calls = 0;
    const url = await serve({}, async () => {
      calls += 1;
      await sleep(HANDLER_MS);
      throw notFound('this');
    });
    const answers = await ask(url);
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([404]));
    expect(calls).to.equal(1);
    await fetch(url);
    expect(calls).to.equal(2);
  });

  it('but not for another account, nor for a version that has changed meanwhile', async () => {
    const seen: string[] = [];
    const url = await serve({ audience: 'account' }, async (ctx) => {
      const said = `${ctx.get('Account')} ${version}`;
      seen.push(said);
      await sleep(HANDLER_MS);
      ctx.body = { said };
    });
    const first = Promise.all([ask(url, { Account: 'a' }), ask(url, { Account: 'b' })]);
    await eventually(() => {
      expect(seen).to.have.members(['a 1', 'b 1']);
      return Promise.resolve();
    });
    version = '2';
    const later = await ask(url, { Account: 'a' });
    const [ofA, ofB] = await first;
    for (const { text } of ofA) expect(text).to.match(/"a [12]"/);
    for (const { text } of ofB) expect(text).to.match(/"b [12]"/);
    for (const { text } of later) expect(text).to.equal('{"said":"a 2"}');
    expect(seen).to.include.members(['a 1', 'b 1', 'a 2']);
    expect(seen).to.have.length.below(5);
  });

  it('and later ones get it again, until its version is another one', async () => {
    let calls = 0;
    let dataVersion = 'a';
    const url = await serve({ version: () => dataVersion }, (ctx) => {
      calls += 1;
      ctx.body = { calls, dataVersion };
    });
    const said = async () => ((await (await fetch(url)).json()) as { calls: number }).calls;
    expect([await said(), await said()]).to.deep.equal([1, 1]);
    dataVersion = 'b';
    expect([await said(), await said()]).to.deep.equal([2, 2]);
  });

  it('each get an answer that cannot be kept from the route', async () => {
    let calls = 0;
    const url = await serve({}, async (ctx) => {
      calls += 1;
      await sleep(HANDLER_MS);
      ctx.status = 202;
      ctx.body = { calls };
    });
    const answers = await ask(url);
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([202]));
    expect(calls).to.equal(CLIENTS);
    expect(await redis.dbsize()).to.equal(0);
  });
});
