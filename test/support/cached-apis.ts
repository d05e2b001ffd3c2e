import { expect } from 'chai';
import { Redis } from 'ioredis';
import type { ApiKeyCredentials } from '../../src/identity/new-api-key.js';
import { advanceTape } from '../../src/market/tape.js';
import { startApi, type Answer, type Api, type Call } from './api.js';
import { createTestRedis, type TestRedis } from './redis.js';
import { startTrading, usd, type Trading } from './trading.js';

const ATTEMPTS = 20;

/** How the cache took part in an answer. */
export const xCache = ({ headers }: Answer): string | null => headers.get('x-cache');

/** What is true at this moment, whatever the cache says. */
export const readAnew = async (api: Api, path: string, as: ApiKeyCredentials): Promise<Answer> => {
  const answer = await api.call('GET', path, { as, headers: { 'Cache-Control': 'no-cache' } });
  expect(xCache(answer)).to.equal('BYPASS');
  return answer;
};

/** Asks until the answer is a HIT: entries live for a part of a second only. */
export async function untilHit(api: Api, path: string, call: Call): Promise<Answer> {
  const seen: (string | null)[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const answer = await api.call('GET', path, call);
    if (xCache(answer) === 'HIT') return answer;
    seen.push(`${answer.status} ${xCache(answer)}`);
  }
  throw new Error(`GET ${path} is never a HIT: ${seen.join(', ')}`);
}

/** What is cached for everyone, with something in each. */
export const FOR_EVERYONE = [
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
export const TIMED = /clock|book|quotes|snapshot/;
/** What is cached for each account. */
export const BY_ACCOUNT = [
  '/v2/account',
  '/v2/positions',
  '/v2/positions/AAPL',
  '/v2/positions/BTC/USD',
  '/v2/account/portfolio/history?period=1D',
];
/** Without it `fetch` says no-cache of itself, as soon as there is an If-None-Match. */
export const ANY_AGE = { 'Cache-Control': 'max-age=60' };
export const NO_CACHE = { 'Cache-Control': 'no-cache' };

/** Two processes that share a cache, on a floor where something was traded. */
export class CachedApis {
  private constructor(
    readonly trading: Trading,
    readonly one: Api,
    readonly two: Api,
    /** Where the cache is. */
    readonly redis: Redis,
    private readonly cacheRedis: TestRedis,
  ) {}

  static async start(): Promise<CachedApis> {
    const trading = await startTrading(4);
    const cacheRedis = await createTestRedis();
    const settings = { cacheRedisUrl: cacheRedis.url };
    const one = await startApi(trading, { cache: true, settings });
    const two = await startApi(trading, { cache: true, settings });
    for (const side of ['sell', 'buy'] as const) {
      const account = side === 'sell' ? 2 : 3;
      await trading.place({ account, side, qty: '1', price: '150' });
    }
    await trading.settle();
    await advanceTape(trading.container.db.knex, 'always');
    return new CachedApis(trading, one, two, new Redis(cacheRedis.url), cacheRedis);
  }

  /** The key that is used for most. */
  get mine(): ApiKeyCredentials {
    return this.trading.accounts[0]!;
  }

  async setPrice(symbol: string, price: string): Promise<void> {
    const { container } = this.trading;
    await container.db
      .knex('market_prices')
      .update({ last_price: String(usd(price)) })
      .where({ asset_id: container.catalog.find(symbol)!.id });
  }

  async stop(): Promise<void> {
    await this.one.stop();
    await this.two.stop();
    this.redis.disconnect();
    await this.cacheRedis.close();
    await this.trading.stop();
  }
}
