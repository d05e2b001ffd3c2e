import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Knex } from 'knex';
import { connectDatabase, type Database } from '../../src/db.js';
import type { RestingOrder } from '../../src/domain/order-book.js';
import { TradingHours } from '../../src/domain/sessions.js';
import type { BookEntry, WantedBook } from '../../src/orders/pass-books.js';
import { Settlement } from '../../src/orders/settlement.js';
import { TradingBlocks } from '../../src/orders/trading-blocks.js';
import { PassReads } from '../../src/orders/waiting-work.js';
import type { WorkingOrder, WorkItem } from '../../src/orders/working-order.js';
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
  const isMarket = !waits && random(6) === 0;
  return {
    id: randomUUID(),
    accountId: accounts[random(ACCOUNTS)]!,
    assetId,
    shard: 0,
    side,
    type: isMarket ? 'market' : 'limit',
    timeInForce: waits ? 'gtc' : (['day', 'day', 'ioc', 'fok'] as const)[random(4)]!,
    qty: BigInt(1 + random(20)),
    notional: null,
    limitPrice: isMarket ? null : waits ? worse : crossing,
    stopPrice: null,
    trailPrice: null,
    trailPercent: null,
    orderClass: '',
    leg: null,
    groupId: null,
    replacedBy: null,
    triggeredAt: null,
    hwm: null,
    routeId: null,
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
  await knex('market_prices').insert({
    asset_id: assetId,
    reference_price: 100,
    previous_close: 100,
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

const RULES = {
  now: NOW,
  hours: new TradingHours('always', NOW),
  blocks: new TradingBlocks([]),
  marketCollarBps: 500,
  venueGoodForMs: 10_000,
  tellsAcceptance: () => false,
  collarBps: () => 9_000,
};

/** Reads, but counts what it reads of the books. */
class CountingReads extends PassReads {
  loaded = 0;

  override async books(wanted: readonly WantedBook[]): Promise<BookEntry[]> {
    const entries = await super.books(wanted);
    this.loaded += entries.length;
    return entries;
  }
}

/** Reads the whole of a book at once, whatever is wanted of it. */
class WholeReads extends PassReads {
  override books(wanted: readonly WantedBook[]): Promise<BookEntry[]> {
    const all = wanted.map((one) => ({ ...one, worstRank: 2n ** 62n, qty: 2n ** 62n }));
    return super.books(all);
  }
}

async function settle(work: readonly WorkItem[], reads: PassReads): Promise<Settlement> {
  const settlement = new Settlement(RULES, reads);
  await settlement.run(copy(work));
  return settlement;
}

function outcome({ record }: Settlement): unknown {
  const book = (orders: Iterable<RestingOrder>) =>
    [...orders].map(({ orderId, remaining }) => `${orderId} ${remaining}`).sort();
  return {
    trades: record.trades.map(
      ({ taker, maker, price, qty }) => `${taker.id} ${maker?.id} ${qty}@${price}`,
    ),
    orders: [...record.changed]
      .map(({ id, status, filledQty, reason }) => `${id} ${status} ${filledQty} ${reason}`)
      .sort(),
    inserted: book(record.bookInserted.values()),
    reduced: book(record.bookReduced.values()),
    deleted: [...record.bookDeleted].sort(),
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
    database.drop();
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
        const blank = { cause: null, newOrderId: null, totalQty: null, ifVersion: null };
        const shared = { shard: 0, waitingSince: NOW, attempts: 0, ...blank };
        return { ...shared, seq: BigInt(1_000 + n), kind, order };
      });

      const [windowed, whole, counted] = await db.transaction(async (tx) => {
        const reads = new CountingReads(tx);
        return [await settle(work, reads), await settle(work, new WholeReads(tx)), reads] as const;
      });

      expect(outcome(windowed), `seed ${seed}`).to.deep.equal(outcome(whole));
      loaded += counted.loaded;
      resting += rests.length;
      trades += whole.record.trades.length;
    }
    expect(loaded, 'it read only a part').to.be.lessThan(resting * 0.9);
    expect(trades).to.be.greaterThan(ROUNDS * 2);
  });
});
