import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Knex } from 'knex';
import { connectDatabase, type Database } from '../../src/db.js';
import type { RestingOrder } from '../../src/domain/order-book.js';
import { loadBooks } from '../../src/orders/waiting-work.js';
import { Settlement, type WorkingOrder, type WorkItem } from '../../src/orders/settlement.js';
import { createTestDatabase } from '../support/database.js';
import { seededRandom } from '../domain/order-flow.js';

const ROUNDS = 60;
const RESTING = 60;
const WORK = 10;
const ACCOUNTS = 4;
const NOW = new Date();

const accounts = Array.from({ length: ACCOUNTS }, () => randomUUID());

type Random = (below: number) => number;
interface Resting {
  order: WorkingOrder;
  resting: RestingOrder;
}

/** An order that waits or arrives; never crossed among those that wait: bids below 100, asks above. */
function buildOrder(random: Random, assetId: string, waits: boolean): WorkingOrder {
  const side = random(2) === 0 ? 'buy' : 'sell';
  const away = BigInt(1 + random(8));
  const worse = side === 'buy' ? 100n - away : 100n + away;
  const crossing = BigInt(94 + random(13));
  return {
    id: randomUUID(),
    accountId: accounts[random(ACCOUNTS)]!,
    assetId,
    shard: 0,
    side,
    type: !waits && random(6) === 0 ? 'market' : 'limit',
    timeInForce: waits ? 'gtc' : (['day', 'day', 'ioc', 'fok'] as const)[random(4)]!,
    qty: BigInt(1 + random(20)),
    boundPrice: waits ? worse : crossing,
    feeBps: 0,
    createdAt: NOW,
    status: waits ? 'new' : 'accepted',
    filledQty: 0n,
    filledValue: 0n,
    fees: 0n,
    hold: 1_000n,
    reason: null,
    version: 1,
  };
}

async function restInBook(
  knex: Knex,
  assetId: string,
  symbol: string,
  rests: readonly Resting[],
): Promise<void> {
  await knex('assets').insert({
    id: assetId,
    symbol,
    name: symbol,
    class: 'us_equity',
    exchange: 'TEST',
    shard: 0,
  });
  await knex('orders').insert(
    rests.map(({ order }) => ({
      id: order.id,
      account_id: order.accountId,
      asset_id: assetId,
      shard: 0,
      client_order_id: order.id,
      side: order.side,
      type: 'limit',
      time_in_force: 'gtc',
      qty: order.qty,
      limit_price: order.boundPrice,
      bound_price: order.boundPrice,
      fee_bps: 0,
      hold: order.hold,
      status: 'new',
      created_at: NOW,
      updated_at: NOW,
    })),
  );
  await knex('book_orders').insert(
    rests.map(({ resting }) => ({
      order_id: resting.orderId,
      asset_id: assetId,
      shard: 0,
      side: resting.side,
      rank: resting.side === 'sell' ? resting.price : -resting.price,
      seq: resting.seq,
      account_id: resting.accountId,
      remaining: resting.remaining,
    })),
  );
}

/** Cancellations near the top of the book are those that change what the others can reach. */
const bestFirst = (rests: readonly Resting[]): WorkingOrder[] => {
  const away = ({ boundPrice }: WorkingOrder) => Math.abs(Number(boundPrice - 100n));
  return rests.map(({ order }) => order).sort((a, b) => away(a) - away(b));
};

/** Fresh copies: a settlement changes what it works on. */
const copy = (work: readonly WorkItem[]): WorkItem[] =>
  work.map((item) => ({ ...item, order: { ...item.order } }));

function outcome(settlement: Settlement): unknown {
  const book = (orders: Iterable<RestingOrder>) =>
    [...orders].map(({ orderId, remaining }) => `${orderId} ${remaining}`).sort();
  return {
    trades: settlement.trades.map(
      ({ taker, maker, price, qty }) => `${taker.id} ${maker.id} ${qty}@${price}`,
    ),
    orders: [...settlement.changed]
      .map(({ id, status, filledQty, reason }) => `${id} ${status} ${filledQty} ${reason}`)
      .sort(),
    inserted: book(settlement.bookInserted.values()),
    reduced: book(settlement.bookReduced.values()),
    deleted: [...settlement.bookDeleted].sort(),
  };
}

describe('a pass over the reachable part of a book', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let db: Database;

  before(async function () {
    this.timeout(60_000);
    database = await createTestDatabase();
    db = connectDatabase(database.url, 'reachable-book-test');
    await db.knex('shards').insert({ id: 0 }).onConflict().ignore();
    for (const id of accounts) {
      await db.knex('accounts').insert({ id, kind: 'house', account_number: id });
    }
  });
  after(async () => {
    await db.close();
    await database.drop();
  });

  it('settles what one over the whole book settles', async function () {
    this.timeout(30_000);
    let [loaded, resting, trades] = [0, 0, 0];
    for (let seed = 1; seed <= ROUNDS; seed += 1) {
      const random = seededRandom(seed);
      const assetId = randomUUID();
      const rests = Array.from({ length: RESTING }, (_, n): Resting => {
        const order = buildOrder(random, assetId, true);
        const { id: orderId, accountId, side, boundPrice: price, qty: remaining } = order;
        return { order, resting: { orderId, accountId, side, price, remaining, seq: BigInt(n) } };
      });
      await restInBook(db.knex, assetId, `T${seed}`, rests);
      const cancelable = bestFirst(rests);
      const work = Array.from({ length: WORK }, (_, n): WorkItem => {
        const cancels = random(3) === 0 && cancelable.length > 0;
        const order = cancels
          ? cancelable.splice(random(Math.min(4, cancelable.length)), 1)[0]!
          : buildOrder(random, assetId, false);
        const kind = cancels ? 'cancel' : 'place';
        return { seq: BigInt(1_000 + n), shard: 0, kind, waitingSince: NOW, order };
      });

      const part = await db.transaction((tx) => loadBooks(tx, copy(work)));
      const windowed = new Settlement(copy(work), part);
      const whole = new Settlement(
        copy(work),
        rests.map((rest) => ({ order: { ...rest.order }, resting: { ...rest.resting } })),
      );

      expect(outcome(windowed), `seed ${seed}`).to.deep.equal(outcome(whole));
      loaded += part.length;
      resting += rests.length;
      trades += whole.trades.length;
    }
    expect(loaded, 'it read only a part').to.be.lessThan(resting * 0.9);
    expect(trades).to.be.greaterThan(ROUNDS * 2);
  });
});
