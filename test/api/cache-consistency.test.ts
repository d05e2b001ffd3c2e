import { expect } from 'chai';
import { Redis } from 'ioredis';
import { EXTERNAL_ACCOUNT } from '../../src/ledger/house.js';
import { postJournals } from '../../src/ledger/post.js';
import { newId } from '../../src/ids.js';
import { seededRandom } from '../../ops/bench/order-flow.js';
import { startApi, type Answer, type Api } from '../support/api.js';
import { readAnew, untilHit, xCache } from '../support/cached-apis.js';
import { eventually } from '../support/eventually.js';
import { fundingClient } from '../support/funding.js';
import { createTestRedis, type TestRedis } from '../support/redis.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';

const SEED = 20_261_126;
const STEPS = 200;
const PRICE = '150';
const PATHS = ['/v2/account', '/v2/positions'];
const TTL_MS = 1_000;

describe('what the cache says of an account', () => {
  let trading: Trading;
  let cacheRedis: TestRedis;
  let redis: Redis;
  let apis: Api[];

  before(async () => {
    trading = await startTrading(3);
    cacheRedis = await createTestRedis();
    redis = new Redis(cacheRedis.url);
    const settings = { cacheRedisUrl: cacheRedis.url };
    apis = await Promise.all(
      [1, 2].map(() => startApi(trading, { cache: true, settings })), // two processes
    );
  });
  after(async () => {
    await Promise.all(apis.map((api) => api.stop()));
    redis.disconnect();
    await cacheRedis.close();
    await trading.stop();
  });

  const keyOf = (account: number) => trading.accounts[account]!;

  /** Both processes have it, and Redis. */
  const warm = async (account: number): Promise<void> => {
    const as = keyOf(account);
    await Promise.all(apis.flatMap((api) => PATHS.map((path) => api.call('GET', path, { as }))));
  };

  /** @returns how many of the cached answers were hits */
  const expectTrue = async (account: number, what: string): Promise<number> => {
    const as = keyOf(account);
    let hits = 0;
    const expectTrueAt = async (path: string): Promise<void> => {
      const cached = await Promise.all(apis.map((api) => api.call('GET', path, { as })));
      const { body } = await readAnew(apis[0]!, path, as);
      for (const answer of cached) {
        expect(answer.body, `${path} of ${account} after ${what}`).to.deep.equal(body);
        if (xCache(answer) === 'HIT') hits += 1;
      }
    };
    await Promise.all(PATHS.map(expectTrueAt));
    return hits;
  };

  it(`is what the database says after each of ${STEPS} steps, seed ${SEED}`, async function () {
    this.timeout(120_000);
    const random = seededRandom(SEED);
    const pick = <Item>(items: readonly Item[]): Item =>
      items[Math.floor(random() * items.length)]!;
    const order = (account: number, side: string, qty: number): Promise<Answer> =>
      pick(apis).call('POST', '/v2/orders', {
        as: keyOf(account),
        // one price for all: what an account is worth changes by its own orders only
        body: {
          symbol: 'AAPL',
          side,
          qty,
          type: 'limit',
          limit_price: PRICE,
          time_in_force: 'gtc',
        },
      });
    const { catalog, executor } = trading.container;
    const settle = () => executor.drain(catalog.find('AAPL')!.shard, 'test');
    await order(0, 'buy', 1);
    await order(1, 'sell', 1);
    await settle();

    const acts: Record<string, (account: number) => Promise<Answer | undefined>> = {
      buy: (account) => order(account, 'buy', 1 + Math.floor(random() * 5)),
      sell: (account) => order(account, 'sell', 1 + Math.floor(random() * 5)),
      settle: () => settle().then(() => undefined),
      cancel: (account) => pick(apis).call('DELETE', '/v2/orders', { as: keyOf(account) }),
      replace: async (account) => {
        const as = keyOf(account);
        const { body } = await apis[0]!.call('GET', '/v2/orders?status=open', { as });
        const [open] = body as { id: string }[];
        if (!open) return undefined;
        return pick(apis).call('PATCH', `/v2/orders/${open.id}`, { as, body: { qty: '7' } });
      },
    };
    const done = new Map<string, number>();
    let hits = 0;
    for (let step = 0; step < STEPS; step += 1) {
      const account = Math.floor(random() * 3);
      await warm(account);
      const name = pick(Object.keys(acts));
      const answer = await acts[name]!(account);
      const took = answer === undefined || answer.status < 300;
      if (took) done.set(name, (done.get(name) ?? 0) + 1);
      hits += await expectTrue(account, `${name} (step ${step})`);
    }
    process.stdout.write(`      ${JSON.stringify(Object.fromEntries(done))}, ${hits} hits\n`);
    for (const name of Object.keys(acts)) expect(done.get(name) ?? 0, name).to.be.above(5);
    expect(hits, 'the cache took part').to.be.above(STEPS / 4);
  });

  it('has a hold while its own orders are acknowledged at the same time', async () => {
    const api = apis[0]!;
    const as = keyOf(2);
    const powerOf = ({ body }: Answer) => Number((body as { buying_power: string }).buying_power);
    let left = powerOf(await readAnew(api, '/v2/account', as));
    const readers = Array.from({ length: 20 }, async () => {
      for (let time = 0; time < 20; time += 1) await api.call('GET', '/v2/account', { as });
    });
    for (let time = 0; time < 20; time += 1) {
      const { status } = await api.call('POST', '/v2/orders', {
        as,
        body: {
          symbol: 'MSFT',
          side: 'buy',
          qty: '1',
          type: 'limit',
          limit_price: '300',
          time_in_force: 'day',
        },
      });
      expect(status).to.equal(200);
      const seen = powerOf(await apis[1]!.call('GET', '/v2/account', { as }));
      expect(seen).to.equal(left - 300);
      left = seen;
    }
    await Promise.all(readers);
  });

  describe('has at once', () => {
    const changes: Record<string, () => Promise<unknown>> = {
      'shares that were booked': () =>
        trading.container.db.knex.transaction((trx) => {
          const assetId = trading.container.catalog.find('AAPL')!.id;
          const accountId = keyOf(0).account_id;
          const qty = shares('3');
          return postJournals(trx, [
            {
              kind: 'adjustment',
              lines: [
                { accountId, assetId, amount: qty, cost: usd('450') },
                { accountId: EXTERNAL_ACCOUNT, assetId, amount: -qty },
              ],
            },
          ]);
        }),
      'a setting that the client changed': () =>
        apis[0]!.call('PATCH', '/v2/account/configurations', {
          as: keyOf(0),
          body: { suspend_trade: true },
        }),
      'a restriction by staff': () =>
        trading.container.db.knex('trading_blocks').insert({
          id: newId(),
          kind: 'restrict',
          scope: 'account',
          target: keyOf(0).account_id,
          reason: 'test',
        }),
      'the end of a restriction': () =>
        trading.container.db
          .knex('trading_blocks')
          .where({ target: keyOf(0).account_id })
          .delete(),
      'a deposit that is under way': async () => {
        const client = await fundingClient(trading, apis[0]!, 0);
        expect((await client.transfer('INCOMING', '25.00')).status).to.be.below(300);
      },
    };
    for (const [what, change] of Object.entries(changes)) {
      it(what, async () => {
        await warm(0);
        const before = await Promise.all(PATHS.map((path) => readAnew(apis[0]!, path, keyOf(0))));
        await warm(0);
        await change();
        await expectTrue(0, what);
        const after = await Promise.all(PATHS.map((path) => readAnew(apis[0]!, path, keyOf(0))));
        const bodies = [before, after].map((answers) => answers.map(({ body }) => body as unknown));
        expect(bodies[0], 'it must be seen at all').not.to.deep.equal(bodies[1]);
      });
    }
  });

  it('has a price that moved within a second or so', async () => {
    const path = '/v2/positions/MSFT';
    await untilHit(apis[0]!, path, { as: keyOf(1) });
    await trading.container.db
      .knex('market_prices')
      .update({ last_price: String(usd('321')) })
      .where({ asset_id: trading.container.catalog.find('MSFT')!.id });
    const movedAt = performance.now();
    await eventually(async () => {
      for (const api of apis) {
        const { body } = await api.call('GET', path, { as: keyOf(1) });
        expect((body as { current_price: string }).current_price).to.equal('321');
      }
    }, 5_000);
    expect(performance.now() - movedAt).to.be.below(TTL_MS + 1_000);
  });

  it('is not what Redis said before it lost its latest writes', async () => {
    const path = '/v2/account';
    await apis[0]!.call('GET', path, { as: keyOf(1) });
    const [key] = await redis.keys(`*:account:${keyOf(1).account_id}:*`);
    const old = await redis.getBuffer(key!);
    const { status } = await apis[0]!.call('POST', '/v2/orders', {
      as: keyOf(1),
      body: {
        symbol: 'MSFT',
        side: 'buy',
        qty: '1',
        type: 'limit',
        limit_price: '300',
        time_in_force: 'day',
      },
    });
    expect(status).to.equal(200);
    await redis.set(key!, old!, 'PX', 60_000);
    await expectTrue(1, 'old data came back');
    const answer = await apis[1]!.call('GET', path, { as: keyOf(1) });
    expect(xCache(answer)).to.equal('HIT'); // of the new entry, in its place
  });
});
