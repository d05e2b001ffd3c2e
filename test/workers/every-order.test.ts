import { expect } from 'chai';
import { DomainError } from '../../src/errors.js';
import type { OrderView } from '../../src/orders/model.js';
import { SessionWork } from '../../src/orders/session-work.js';
import { seededRandom } from '../domain/order-flow.js';
import { expectBooksInOrder } from '../support/books-in-order.js';
import { expectClosed, expectSettled } from '../support/nothing-wrong.js';
import { randomRequest } from '../support/random-request.js';
import { startTrading, type Trading } from '../support/trading.js';

const ACCOUNTS = 10;
const ROUNDS = 50;
const ORDERS_PER_ROUND = 200;
const CHANGES_PER_ROUND = 60;
const ASSETS = [
  { symbol: 'AAPL', divisor: 1 },
  { symbol: 'MSFT', divisor: 2 },
  { symbol: 'BTC/USD', divisor: 200 },
];
const DAY_MS = 86_400_000;

describe('ten thousand orders of every type, class and time in force', function () {
  this.timeout(300_000);

  it('leave nothing open, held, pending or unaccounted for when all are cancelled', async () => {
    const seed = Number(process.env['BROKERX_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const trading = await startTrading(ACCOUNTS, { FEE_BPS: '7' });
    try {
      const crowd = new Crowd(trading, seed);
      for (let round = 0; round < ROUNDS; round++) await crowd.round(round);
      await crowd.nextDay();
      await crowd.cancelEverything();
      const { knex } = trading.container.db;
      await expectClosed(knex);
      await expectBooksInOrder(knex, crowd.accepted, 0);
      const kinds = await countKinds(trading);
      process.stdout.write(
        `      BROKERX_TEST_SEED=${seed}\n      ${show(kinds)}\n      refused: ${show(crowd.refused)}\n`,
      );
      expectEnough(kinds, crowd);
    } catch (error) {
      throw new Error(`BROKERX_TEST_SEED=${seed} repeats it`, { cause: error });
    } finally {
      await trading.stop();
    }
  });
});

/** Clients who order, cancel and replace all at once, while several executors work. */
class Crowd {
  readonly accepted: string[] = [];
  readonly refused = new Map<string, number>();
  private readonly random;
  private readonly executors;
  private readonly orders: OrderView[] = [];

  constructor(
    private readonly trading: Trading,
    seed: number,
  ) {
    this.random = seededRandom(seed);
    this.executors = [trading.otherExecutor(), trading.otherExecutor(), trading.otherExecutor()];
  }

  /** New orders come while those of the round before are executed. */
  async round(round: number): Promise<void> {
    const calls = [
      ...Array.from({ length: ORDERS_PER_ROUND }, () => this.place()),
      ...Array.from({ length: CHANGES_PER_ROUND }, () => this.change()),
    ];
    await Promise.all([...calls, this.drain()]);
    if (round % 10 === 5) await this.release(); // while there is other work
    if (round % 5 !== 4) return;
    await this.drain();
    await expectSettled(this.trading.container.db.knex);
  }

  /** Day orders expire; what waited for the open or the close trades. */
  async nextDay(): Promise<void> {
    await this.drain();
    const tomorrow = this.trading.otherExecutor({ now: () => new Date(Date.now() + DAY_MS) });
    await this.release();
    await this.trading.settle(tomorrow);
    await this.release();
    await this.trading.settle(tomorrow);
  }

  async cancelEverything(): Promise<void> {
    const { intake } = this.trading.container;
    const ids = this.trading.accounts.map(({ account_id: id }) => id);
    const cancelling = Promise.all(ids.map((id) => intake.cancelAll(id)));
    await Promise.all([cancelling, this.drain()]);
    await this.drain();
  }

  private async drain(): Promise<void> {
    await Promise.all(this.executors.map((one) => this.trading.settle(one)));
  }

  private async release(): Promise<void> {
    const work = new SessionWork(this.trading.container.db.knex, 'always');
    await work.run(new Date(Date.now() + DAY_MS));
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.random(from.length)]!;
  }

  private async place(): Promise<void> {
    const { intake, catalog } = this.trading.container;
    const asset = this.pick(ASSETS);
    const { lastPrice } = catalog.find(asset.symbol)!;
    const { account_id: accountId } = this.pick(this.trading.accounts);
    const request = randomRequest(this.random, accountId, { ...asset, lastPrice });
    await this.ask('order', async () => {
      const { order } = await intake.place(request);
      this.accepted.push(order.id);
      this.orders.push(order, ...(order.legs ?? []));
    });
  }

  /** Cancels or replaces one of the latest orders. */
  private async change(): Promise<void> {
    if (this.orders.length === 0) return;
    const order = this.pick(this.orders.slice(-600));
    const { intake } = this.trading.container;
    const { accountId, id, limitPrice, stopPrice, groupId, qty, notional } = order;
    if (this.random(3) === 0) return this.ask('cancel', () => intake.cancel(accountId, id));
    const moved = (price: bigint | null) =>
      price === null ? null : price + BigInt(this.random(300) - 150) * 100n;
    const trail = order.trailPrice ?? (order.trailPercent === null ? null : 2_000n);
    const canResize = groupId === null && notional === null && this.random(2) === 0;
    const changes = {
      qty: canResize ? (qty * BigInt(1 + this.random(4))) / 2n : null,
      timeInForce: null,
      limitPrice: moved(limitPrice),
      stopPrice: this.random(2) === 0 ? moved(stopPrice) : null,
      trail,
      clientOrderId: null,
    };
    await this.ask('replace', async () => {
      this.orders.push(await intake.replace(accountId, id, changes, null));
    });
  }

  private async ask(what: string, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      const reason = `${what} ${error.code} ${error.details['reason'] as string | undefined}`;
      this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
    }
  }
}

/** How many there were, by type, class and what became of them. */
async function countKinds({ container }: Trading): Promise<Map<string, number>> {
  const rows = (await container.db
    .knex('orders')
    .select('type', 'order_class', 'time_in_force', 'status', 'reason')
    .select(
      container.db.knex.raw(`notional is not null as by_notional, replaces is not null as again`),
    )
    .select(
      container.db.knex.raw(`triggered_at is not null as triggered, filled_qty > 0 as traded`),
    )
    .count('* as count')
    .groupBy(1, 2, 3, 4, 5, 6, 7, 8, 9)) as unknown as Record<string, string | boolean | bigint>[];
  const counts = new Map<string, number>();
  for (const row of rows) {
    const traded = row['traded'] ? ' traded' : '';
    const names: (string | boolean)[] = [
      `${row['type'] as string}${traded}`,
      `${row['order_class'] as string}${traded}`,
      `${row['time_in_force'] as string}${traded}`,
      row['status'] as string,
      row['reason'] as string,
      Boolean(row['by_notional']) && `notional${traded}`,
      Boolean(row['again']) && `replacement ${row['status'] as string}`,
      Boolean(row['triggered']) && `${row['type'] as string} triggered`,
    ];
    for (const name of names) {
      if (typeof name !== 'string') continue;
      counts.set(name, (counts.get(name) ?? 0) + Number(row['count']));
    }
  }
  return counts;
}

/** Or the test would not be about every order any more. */
function expectEnough(kinds: Map<string, number>, { accepted }: Crowd): void {
  expect(accepted.length).to.be.greaterThan((ROUNDS * ORDERS_PER_ROUND) / 2);
  const least = {
    'market traded': 200,
    'limit traded': 1_000,
    'notional traded': 100,
    'stop triggered': 100,
    'stop_limit triggered': 100,
    'trailing_stop triggered': 100,
    'bracket traded': 50,
    'oco traded': 50,
    'oto traded': 50,
    'opg traded': 10,
    'cls traded': 10,
    'ioc traded': 50,
    'fok traded': 20,
    group: 200,
    expired: 20,
    replaced: 50,
    'replacement rejected': 20,
  };
  for (const [kind, count] of Object.entries(least)) {
    expect(kinds.get(kind) ?? 0, kind).to.be.at.least(count);
  }
}

const show = (counts: Map<string, number>): string =>
  [...counts]
    .sort()
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
