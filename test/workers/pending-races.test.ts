import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import { DomainError } from '../../src/errors.js';
import { openOrderIds, type OrderView } from '../../src/orders/model.js';
import { seededRandom } from '../domain/order-flow.js';
import { expectBooksInOrder } from '../support/books-in-order.js';
import { expectClosed, expectSettled } from '../support/nothing-wrong.js';
import { startTrading, usd, type Trading } from '../support/trading.js';

const ROUNDS = 60;
const CONTESTED = 4;
const MOVES = 40;
const OUTCOMES = {
  pending_cancel: ['canceled', 'order_cancel_rejected'],
  pending_replace: ['replaced', 'order_replace_rejected'],
} as const;

interface EventRow {
  order_id: string;
  type: keyof typeof OUTCOMES | 'canceled' | 'replaced' | 'rejected';
  reason: string | null;
}

describe('cancels, replacements, fills and kill switches that race for the same orders', function () {
  this.timeout(300_000);

  it('leave no order pending, and each request with one answer', async () => {
    const seed = Number(process.env['BROKERX_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const trading = await startTrading(3, { FEE_BPS: '7' });
    try {
      const race = new Race(trading, seed);
      for (let round = 0; round < ROUNDS; round++) {
        await race.run();
        await expectNothingPending(trading);
      }
      await race.cancelEverything();
      const { knex } = trading.container.db;
      await expectClosed(knex);
      await expectBooksInOrder(knex, race.accepted, 0);
      const counts = await countEvents(trading);
      process.stdout.write(`      ${JSON.stringify(counts)}\n`);
      expectEnough(counts);
    } catch (error) {
      throw new Error(`BROKERX_TEST_SEED=${seed} repeats it`, { cause: error });
    } finally {
      await trading.stop();
    }
  });
});

/** One client's few orders, which everybody goes for at the same time. */
class Race {
  readonly accepted: string[] = [];
  private readonly random;
  private readonly executors;
  private contested: OrderView[] = [];
  private isBlocked = false;

  constructor(
    private readonly trading: Trading,
    seed: number,
  ) {
    this.random = seededRandom(seed);
    this.executors = [trading.otherExecutor(), trading.otherExecutor(), trading.otherExecutor()];
  }

  async run(): Promise<void> {
    this.contested = [];
    for (let n = 0; n < CONTESTED; n++) await this.ask(() => this.placeContested());
    if (this.random(2) === 0) await this.drain();
    const moves = Array.from({ length: MOVES }, () => this.move());
    await Promise.all([...moves, this.drainNowAndThen()]);
    await this.unblock();
    await this.drain();
  }

  async cancelEverything(): Promise<void> {
    const { intake } = this.trading.container;
    for (const { account_id: id } of this.trading.accounts) await intake.cancelAll(id);
    await this.drain();
  }

  private async drain(): Promise<void> {
    await Promise.all(this.executors.map((one) => this.trading.settle(one)));
  }

  private async drainNowAndThen(): Promise<void> {
    for (let n = 0; n < 4; n++) {
      await new Promise((resolve) => setTimeout(resolve, this.random(15)));
      await this.drain();
    }
  }

  private async move(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.random(60)));
    const order = this.contested[this.random(Math.max(this.contested.length, 1))];
    const what = this.random(20);
    if (what < 5) return this.ask(() => this.trade());
    if (what === 5) return this.block();
    if (what < 9) return this.unblock();
    if (!order) return;
    if (what < 11) return this.ask(() => this.cancel(order));
    return this.ask(() => this.replace(order));
  }

  /** A plain order, a stop or a bracket of the first client. */
  private async placeContested(): Promise<void> {
    const kind = this.random(4);
    const noStop = { limitPrice: null, trailPrice: null, trailPercent: null };
    const order = await this.trading.place({
      account: 0,
      side: kind === 3 ? 'sell' : 'buy',
      qty: String(2 + this.random(20)),
      timeInForce: 'gtc',
      ...(kind !== 3 && { price: this.price(149) }),
      more:
        kind === 2
          ? {
              orderClass: 'bracket',
              takeProfit: { limitPrice: usd('153') },
              stopLoss: { ...noStop, stopPrice: usd('147') },
            }
          : kind === 3
            ? { type: 'stop', stopPrice: usd('148.5') }
            : {},
    });
    this.remember(order);
  }

  /** One of the others buys or sells where the contested orders are. */
  private async trade(): Promise<void> {
    const isBuyer = this.random(3) === 0;
    const order = await this.trading.place({
      account: isBuyer ? 1 : 2,
      side: isBuyer ? 'buy' : 'sell',
      qty: String(1 + this.random(3)),
      price: this.price(isBuyer ? 147 : 148),
    });
    this.accepted.push(order.id);
  }

  private cancel({ accountId, id }: OrderView): Promise<void> {
    return this.trading.container.intake.cancel(accountId, id);
  }

  private async replace({ accountId, id, groupId, stopPrice, qty }: OrderView): Promise<void> {
    const isStop = stopPrice !== null;
    const changes = {
      qty: groupId === null && this.random(2) === 0 ? qty + usd('100000') : null,
      timeInForce: null,
      limitPrice: isStop ? null : usd(this.price(149)),
      stopPrice: isStop ? usd(this.price(148)) : null,
      trail: null,
      clientOrderId: null,
    };
    const version = this.random(3) === 0 ? 2 : null;
    this.remember(await this.trading.container.intake.replace(accountId, id, changes, version));
  }

  private remember(order: OrderView): void {
    this.accepted.push(order.id);
    this.contested.push(order, ...(order.legs ?? []));
  }

  /** Stops all trading, of the contested client or of everybody, or in the instrument. */
  private async block(): Promise<void> {
    if (this.isBlocked) return;
    this.isBlocked = true;
    const { container, accounts } = this.trading;
    const kinds = [
      { kind: 'kill', scope: 'global', target: null },
      { kind: 'kill', scope: 'account', target: accounts[0]!.account_id },
      { kind: 'restrict', scope: 'account', target: accounts[0]!.account_id },
      { kind: 'halt', scope: 'asset', target: container.catalog.find('AAPL')!.id },
    ];
    const row = kinds[this.random(kinds.length)]!;
    await container.db
      .knex('trading_blocks')
      .insert({ id: uuidv7(), ...row, reason: 'a test' })
      .onConflict()
      .ignore();
  }

  private async unblock(): Promise<void> {
    await this.trading.container.db.knex('trading_blocks').delete();
    this.isBlocked = false;
  }

  /** Between two prices, of which each round uses a few only. */
  private price(from: number): string {
    return (from + this.random(8) / 4).toFixed(2);
  }

  private async ask(call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
    }
  }
}

/** What is true whenever the executors have done all their work. */
async function expectNothingPending({ container, accounts }: Trading): Promise<void> {
  const { knex } = container.db;
  expect(await knex('work_items'), 'work left').to.have.length(0);
  await expectSettled(knex);
  for (const { account_id: id } of accounts) {
    const open = knex('orders').where({ account_id: id }).whereNull('closed_at').pluck('id');
    const listed: { order_id: string }[] = await openOrderIds(knex, id);
    expect(listed.map((row) => row.order_id)).to.have.members(await open);
  }
  const events = (await knex('account_events')
    .select('order_id', 'type', 'reason')
    .orderBy(['account_id', 'event_id'])) as EventRow[];
  expectAnswers(events);
}

/** A request is answered before the next one of its kind can be made. */
function expectAnswers(events: readonly EventRow[]): void {
  for (const [request, answers] of Object.entries(OUTCOMES)) {
    const asked = new Map<string, number>();
    for (const { order_id: id, type } of events) {
      if (type === request) asked.set(id, (asked.get(id) ?? 0) + 1);
    }
    for (const [id, count] of asked) {
      const given = events.filter(
        ({ order_id, type }) => order_id === id && (answers as readonly string[]).includes(type),
      );
      expect(given.length, `answers to ${request} of ${id}`).to.be.at.least(count);
    }
  }
}

async function countEvents({ container }: Trading): Promise<Record<string, number>> {
  const counting = container.db.knex('account_events').select('type').count('* as count');
  const rows: { type: string; count: bigint }[] = await counting.groupBy('type');
  return Object.fromEntries(rows.map(({ type, count }) => [type, Number(count)]));
}

/** Or nothing would have raced. */
function expectEnough(counts: Record<string, number>): void {
  const least = {
    fill: 100,
    replaced: 30,
    canceled: 50,
    order_replace_rejected: 20,
    order_cancel_rejected: 10,
    rejected: 20,
  };
  for (const [type, count] of Object.entries(least)) {
    expect(counts[type] ?? 0, type).to.be.at.least(count);
  }
}
