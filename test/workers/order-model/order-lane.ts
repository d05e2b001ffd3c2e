import { expect } from 'chai';
import { seedAccounts } from '../../../src/commands/seed.js';
import { DomainError } from '../../../src/errors.js';
import type { PlaceOrder } from '../../../src/orders/new-order.js';
import type { Trading } from '../../support/trading.js';
import { HouseModel, type Answer, type Changes, type PlaceRequest } from './model-house.js';
import { isOpen, restOf, type ModelOrder } from './model-order.js';
import { at, requestOf, type Command, type ReplaceCommand } from './order-commands.js';

const START = at(0);
/** The first has little, the second more than it can use. */
const MEANS = [
  { cash: 1_000_000n, qty: 5_000_000_000n },
  { cash: 10_000_000_000n, qty: 1_000_000_000_000n },
];

/**
 * Takes sequences of commands to the product and to the model, on an asset of its own: one sequence
 * after the other, each with new accounts and an empty book.
 */
export class OrderLane {
  private readonly executor;
  private readonly asset;
  private accounts: string[] = [];
  private ids: string[] = [];
  private model = new HouseModel([], START);
  readonly counts = new Map<string, number>();

  constructor(
    private readonly trading: Trading,
    private readonly symbol: string,
  ) {
    this.executor = trading.otherExecutor();
    this.asset = trading.container.catalog.find(symbol)!;
  }

  /** @throws AssertionError at the first difference between the product and the model */
  async run(commands: readonly Command[]): Promise<void> {
    await this.start();
    for (const command of commands) await this.step(command);
    await this.step({ kind: 'settle' });
    this.count('sequence');
    for (const order of this.model.orders) {
      this.count(order.status);
      this.count(order.type);
      if (order.triggered) this.count('triggered');
      if (order.notional !== null) this.count(`notional ${order.status}`);
    }
  }

  private async start(): Promise<void> {
    const { knex } = this.trading.container.db;
    for (const table of ['work_items', 'book_orders', 'parked_orders']) {
      const orders = knex('orders').select('id').where({ asset_id: this.asset.id });
      await knex(table).whereIn('order_id', orders).delete();
    }
    await knex('market_prices')
      .where({ asset_id: this.asset.id })
      .update({ last_price: null, reference_price: String(START) });
    await this.readPrices();
    this.accounts = [];
    const means = MEANS.map(({ cash, qty }) => ({ cash, qty, cost: (qty * START) / 10n ** 9n }));
    for (const { cash, qty } of means) {
      const request = { accounts: 1, cash, shares: new Map([[this.symbol, qty]]) };
      const [account] = await seedAccounts(knex, request, () => undefined);
      this.accounts.push(account!.account_id);
    }
    this.model = new HouseModel(means, START);
    this.ids = [];
  }

  /** The catalog reads on its own only now and then: twice, as the first may be one under way. */
  private async readPrices(): Promise<void> {
    await this.trading.container.catalog.refresh();
    await this.trading.container.catalog.refresh();
  }

  private async step(command: Command): Promise<void> {
    switch (command.kind) {
      case 'place':
        return this.place(requestOf(command, this.model.last));
      case 'cancel': {
        const order = this.pick(command);
        return order && this.cancel(order);
      }
      case 'replace': {
        const order = this.pick(command);
        return order && this.replace(order, command);
      }
      case 'settle':
        await this.executor.drain(this.asset.shard, 'model');
        this.model.settle();
        await this.compare();
        return this.readPrices();
    }
  }

  private pick({
    target,
    anyOrder,
  }: {
    target: number;
    anyOrder: boolean;
  }): ModelOrder | undefined {
    const choice = anyOrder ? this.model.orders : this.model.orders.filter(isOpen);
    return choice[target % Math.max(choice.length, 1)];
  }

  private async place(request: PlaceRequest): Promise<void> {
    const expected = this.model.place(request);
    const answer = await this.ask(async () => {
      const { order } = await this.trading.container.intake.place(this.toProduct(request));
      this.ids.push(order.id, ...(order.legs ?? []).map(({ id }) => id));
    });
    expect(answer, `place ${show(request)}`).to.equal(expected.answer);
  }

  private async cancel(order: ModelOrder): Promise<void> {
    const expected = this.model.askCancel(order);
    const answer = await this.ask(() =>
      this.trading.container.intake.cancel(this.accounts[order.account]!, this.ids[order.n]!),
    );
    expect(answer, `cancel #${order.n}`).to.equal(expected);
  }

  private async replace(order: ModelOrder, command: ReplaceCommand): Promise<void> {
    const changes = changesFor(order, command);
    const version = versionFor(order, command);
    if (this.model.isUndecided(order)) this.count('replaced before its turn');
    const expected = this.model.change(order, changes, version);
    const answer = await this.ask(async () => {
      const successor = await this.trading.container.intake.replace(
        this.accounts[order.account]!,
        this.ids[order.n]!,
        {
          qty: changes.qty,
          limitPrice: changes.limit,
          stopPrice: changes.stop,
          trail: changes.trail,
          timeInForce: null,
          clientOrderId: null,
        },
        version,
      );
      this.ids.push(successor.id);
    });
    expect(answer, `replace #${order.n} ${show(changes)}`).to.equal(expected.answer);
  }

  private async ask(call: () => Promise<void>): Promise<Answer> {
    try {
      await call();
      return 'accepted';
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return error.kind as Answer;
    }
  }

  private toProduct({ profit, loss, limit, stop, ...request }: PlaceRequest): PlaceOrder {
    const { trailPercent, notional, orderClass } = request;
    return {
      ...request,
      accountId: this.accounts[request.account]!,
      symbol: this.symbol,
      qty: notional === null ? request.qty : null,
      limitPrice: limit,
      stopPrice: stop,
      trailPercent: trailPercent === null ? null : Number(trailPercent),
      takeProfit: profit === null || orderClass === '' ? null : { limitPrice: profit },
      stopLoss: loss && {
        stopPrice: loss.stop,
        limitPrice: loss.limit,
        trailPrice: loss.trailPrice,
        trailPercent: loss.trailPercent === null ? null : Number(loss.trailPercent),
      },
      extendedHours: false,
      clientOrderId: null,
      idempotency: null,
    };
  }

  private async compare(): Promise<void> {
    const { knex } = this.trading.container.db;
    const [orders, accounts, positions, book, parked] = await Promise.all([
      knex('orders')
        .whereIn('account_id', this.accounts)
        .select({
          filled: 'filled_qty',
          value: 'filled_value',
          triggeredAt: 'triggered_at',
          mark: 'hwm',
        })
        .select('id', 'status', 'qty', 'fees', 'hold', 'reason', 'version'),
      knex('accounts').whereIn('id', this.accounts).select('id', 'cash', 'cash_held as held'),
      knex('positions').whereIn('account_id', this.accounts).where('asset_id', this.asset.id),
      knex('book_orders').where('asset_id', this.asset.id).orderBy(['side', 'rank', 'seq']),
      knex('parked_orders').where('asset_id', this.asset.id).select('order_id', 'hwm'),
    ]);
    const place = new Map(this.ids.map((id, n) => [id, n]));
    const of = (id: string) => `#${place.get(id)}`;
    const rows = { orders, accounts, positions, book, parked } as Record<string, Row[]>;
    const actual = {
      orders: this.ids.map((id) => describeRow(rows['orders']!.find((row) => row['id'] === id)!)),
      accounts: this.accounts.map((id) => {
        const { cash, held } = rows['accounts']!.find((row) => row['id'] === id)!;
        const position = rows['positions']!.find((row) => row['account_id'] === id)!;
        return `${cash} ${held} ${position['qty']} ${position['held']} ${position['cost_basis']}`;
      }),
      book: rows['book']!.map(
        (row) => `${row['side']} ${of(row['order_id'] as string)} ${row['remaining']}`,
      ),
      parked: rows['parked']!.map((row) => `${of(row['order_id'] as string)} ${row['hwm']}`).sort(),
    };
    expectSame(actual, this.expected());
  }

  private expected(): State {
    const { model } = this;
    return {
      orders: model.orders.map(describe),
      accounts: model.accounts.map(
        ({ cash, qty, cost }, n) =>
          `${cash} ${model.held(n, 'buy')} ${qty} ${model.held(n, 'sell')} ${cost}`,
      ),
      book: (['buy', 'sell'] as const).flatMap((side) =>
        model.book(side).map((order) => `${side} #${order.n} ${restOf(order)}`),
      ),
      parked: model.orders
        .filter(({ waits }) => waits === 'trigger' || waits === 'entry')
        .map((order) => `#${order.n} ${order.waits === 'trigger' ? order.mark : null}`)
        .sort(),
    };
  }

  private count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}

type State = Record<'orders' | 'accounts' | 'book' | 'parked', string[]>;

/** Names only what differs. */
function expectSame(actual: State, expected: State): void {
  const differences = (['orders', 'accounts', 'book', 'parked'] as const).flatMap((what) => {
    const length = Math.max(actual[what].length, expected[what].length);
    return Array.from({ length }, (_, n) => n)
      .filter((n) => actual[what][n] !== expected[what][n])
      .map((n) => `${what} ${n}: is ${actual[what][n]}, should be ${expected[what][n]}`);
  });
  if (differences.length > 0) expect.fail(differences.join('\n'));
}

type Row = Record<string, string | bigint | null>;

const show = (value: object): string =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one));

const describe = (order: ModelOrder): string => {
  const { status, reason, qty, filled, value, fees, hold, version, triggered, mark } = order;
  if (status === 'rejected') return `rejected ${reason} ${hold} v${version}`;
  const state = `${status} ${reason} ${filled}/${qty} for ${value} fees ${fees} hold ${hold}`;
  const end = isOpen(order) ? '' : ` mark ${mark}`; // before that it is compared where it waits
  return `${state} v${version}${triggered ? ' triggered' : ''}${end}`;
};

const describeRow = ({ triggeredAt, ...row }: Row): string =>
  describe({ ...row, triggered: triggeredAt !== null } as unknown as ModelOrder);

/** What of the changes fits the order, mostly. */
function changesFor(
  order: ModelOrder,
  { qty, limit, stop, trail, anyOrder }: ReplaceCommand,
): Changes {
  return {
    qty: order.group === null || anyOrder ? qty : null,
    limit: limit !== null && (order.limit !== null || anyOrder) ? at(limit) : null,
    stop: stop !== null && order.stop !== null && (!order.triggered || anyOrder) ? at(stop) : null,
    trail:
      trail === null || order.type !== 'trailing_stop'
        ? null
        : BigInt(trail) * (order.trailPrice === null ? 1_000n : 100n),
  };
}

const versionFor = ({ version: now }: ModelOrder, { version }: ReplaceCommand): number | null =>
  version === 'any' ? null : version === 'current' ? now : now - 1;
