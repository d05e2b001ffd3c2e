import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import knexFactory, { type Knex } from 'knex';
import { seededRandom } from '../domain/order-flow.js';
import { expectBooksInOrder } from '../support/books-in-order.js';
import { eventually } from '../support/eventually.js';
import { expectClosed, expectSettled } from '../support/nothing-wrong.js';
import { randomRequest, type Random } from '../support/random-request.js';
import { runVenue, type RunningVenue } from '../support/running-venue.js';
import { createTestRedis, type TestRedis } from '../support/redis.js';
import { startTrading, usd, type TestOrder, type Trading } from '../support/trading.js';
import { DIFFERENT_TRADES, routeToVenue } from '../support/venue.js';

/** `npm run chaos:venue` gives it more time than the suite has. */
const SECONDS = Number(process.env['BROKERX_VENUE_CHAOS_S'] ?? 3);
const ACCOUNTS = 8;
const RECENT = 10;
const ALL_BACK_WITHIN_MS = 30_000;
const CHAOS = {
  VENUE_GOOD_FOR_MS: '700',
  VENUE_LATENCY_MIN_MS: '1',
  VENUE_LATENCY_MAX_MS: '250',
  VENUE_PARTIAL_PCT: '35',
  VENUE_REJECT_PCT: '10',
  VENUE_LATE_PCT: '25',
  VENUE_DUPLICATE_PCT: '25',
  VENUE_LOST_PCT: '20',
  VENUE_OUTAGE_EVERY_S: '3',
  VENUE_OUTAGE_FOR_S: '1',
};
const ASSETS = [
  { symbol: 'AAPL', lastPrice: usd('150'), divisor: 1 },
  { symbol: 'MSFT', lastPrice: usd('410'), divisor: 2 },
  { symbol: 'BTC/USD', lastPrice: usd('60000'), divisor: 200 },
];

/** A simple order that wants more than the book has. */
function marketable(random: Random, symbol: string): TestOrder {
  const side = random(2) === 0 ? 'buy' : 'sell';
  const order = { account: random(ACCOUNTS), side, symbol } as const;
  const qty = symbol === 'BTC/USD' ? `0.0${1 + random(9)}` : String(1 + random(5));
  const prices = { AAPL: 150, MSFT: 410, 'BTC/USD': 60_000 }[symbol]!;
  const price = (prices * (side === 'buy' ? 1.05 : 0.95)).toFixed(2);
  const timeInForce = (['day', 'gtc', 'ioc'] as const)[random(3)]!;
  return random(3) === 0 ? { ...order, qty } : { ...order, qty, price, timeInForce };
}

describe('a venue that answers late, twice, in any order, or not at all', function () {
  this.timeout(SECONDS * 1_000 + ALL_BACK_WITHIN_MS + 30_000);
  let redis: TestRedis;
  let trading: Trading;
  let owner: Knex;
  let venue: RunningVenue;

  before(async () => {
    redis = await createTestRedis();
    trading = await startTrading(ACCOUNTS, { FEE_BPS: '7', REDIS_URL: redis.url, ...CHAOS });
    await routeToVenue(trading, 'AAPL', 'BTC/USD');
    owner = knexFactory({ client: 'pg', connection: trading.container.config.databaseUrl });
    venue = runVenue(trading);
  });
  after(async () => {
    await venue.stop();
    await owner.destroy();
    await trading.stop();
    await redis.close();
  });

  const openRoutes = () => owner('venue_routes').where({ status: 'open' });

  it('leaves no wrong hold and a balanced proof, and every trade of it is booked once', async () => {
    const seed = Number(process.env['BROKERX_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    process.stdout.write(`      BROKERX_TEST_SEED=${seed}\n`);
    const random = seededRandom(seed);
    const { intake } = trading.container;
    const placed: { id: string; accountId: string }[] = [];
    const until = Date.now() + SECONDS * 1_000;
    while (Date.now() < until) {
      const { account_id: accountId } = trading.accounts[random(ACCOUNTS)]!;
      const asset = ASSETS[random(ASSETS.length)]!;
      const isPlain = random(4) > 0;
      const order = await (
        isPlain
          ? trading.place(marketable(random, asset.symbol))
          : intake.place(randomRequest(random, accountId, asset)).then(({ order }) => order)
      ).catch(() => null);
      if (order) placed.push(order);
      const old = placed.at(-1 - random(RECENT)); // is likely to be there still
      if (old && random(4) === 0) await intake.cancel(old.accountId, old.id).catch(() => undefined);
      if (random(60) === 0) await venue.loseMessages();
      await sleep(10);
    }
    for (const { id, accountId } of placed)
      await intake.cancel(accountId, id).catch(() => undefined);
    await sleep(800); // what is at the venue has happened by then
    venue.hurry();
    await eventually(async () => {
      expect(await openRoutes()).to.have.length(0);
    }, ALL_BACK_WITHIN_MS);
    for (const { id, accountId } of placed)
      await intake.cancel(accountId, id).catch(() => undefined);
    const { knex } = trading.container.db;
    await expectBooksInOrder(
      knex,
      placed.map(({ id }) => id),
      10_000,
    );
    await expectSettled(knex);
    const legs = await knex('orders').whereNull('closed_at').whereNotNull('group_id');
    if (legs.length === 0) await expectClosed(knex);

    const { rows } = await owner.raw<{ rows: object[] }>(DIFFERENT_TRADES);
    expect(rows, 'trades that only one of us knows').to.deep.equal([]);
    const disputed = await owner('venue_routes')
      .where({ disputed: true })
      .select<object[]>('id', 'status', 'qty', 'filled_qty', 'applied_sequence', 'ends_as');
    expect(disputed, 'routes about which there is no agreement').to.deep.equal([]);
    const counts = await owner.raw<{ rows: Record<string, bigint>[] }>(`
      select (select count(*) from venue_routes) as routes,
        (select count(*) from venue_routes where asked > 0) as asked,
        (select count(*) from executions where venue_execution_id is not null) as booked,
        (select count(*) from venue_routes where ends_as is not null) as recalled`);
    const seen = Object.fromEntries(
      Object.entries(counts.rows[0]!).map(([name, count]) => [name, Number(count)]),
    );
    process.stdout.write(`      ${JSON.stringify({ placed: placed.length, ...seen })}\n`);
    expect(seen['booked'], 'trades at the venue').to.be.greaterThan(5 * SECONDS);
    expect(seen['asked'], 'routes that had to be asked about').to.be.greaterThan(SECONDS);
    expect(seen['recalled'], 'routes of canceled orders').to.be.greaterThan(0);
  });
});
