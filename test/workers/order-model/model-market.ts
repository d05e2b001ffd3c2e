import {
  collar,
  feeOf,
  hasReached,
  isOpen,
  least,
  most,
  needs,
  opposite,
  restOf,
  stopOf,
  valueOf,
  waitsForPrice,
  type ModelOrder,
  type Side,
} from './model-order.js';
import { planMatch } from './model-match.js';

export interface ModelAccount {
  cash: bigint;
  qty: bigint;
  cost: bigint;
}

interface Replacement {
  kind: 'replace';
  order: ModelOrder;
  successor: ModelOrder;
  /** What the old order has filled included. */
  total: bigint;
  version: number | null;
}

export type Work =
  { kind: 'place'; order: ModelOrder } | { kind: 'cancel'; order: ModelOrder } | Replacement;

/**
 * What the market does with one asset's orders, one after the other: sorted lists instead of books,
 * and every trade looks at every stop.
 */
export class MarketModel {
  readonly orders: ModelOrder[] = [];
  readonly queue: Work[] = [];
  /** Replacements that wait for their turn: they belong to no group yet. */
  protected readonly undecided = new Set<ModelOrder>();
  private readonly next: { order: ModelOrder; run: () => void }[] = [];
  private clock = 0;

  constructor(
    readonly accounts: ModelAccount[],
    public last: bigint,
  ) {}

  /** True for a replacement that has yet to take the place of another order. */
  isUndecided(order: ModelOrder): boolean {
    return this.undecided.has(order);
  }

  /** Does what waits, and after each piece of it whatever follows from it. */
  settle(): void {
    for (const work of this.queue.splice(0)) {
      if (work.kind === 'place') this.arrive(work.order);
      else if (work.kind === 'cancel') this.cancel(work.order);
      else this.replace(work);
      for (let then = this.next.shift(); then; then = this.next.shift()) {
        if (isOpen(then.order)) then.run();
      }
    }
  }

  /** One side of the book, the order that trades next first. */
  book(side: Side): ModelOrder[] {
    return this.orders
      .filter((one) => one.waits === 'book' && one.side === side)
      .sort((a, b) => {
        if (a.limit === b.limit) return a.time - b.time;
        return (side === 'buy') === a.limit! > b.limit! ? -1 : 1;
      });
  }

  family({ n, group }: ModelOrder): ModelOrder[] {
    return this.orders.filter(
      (one) =>
        group !== null &&
        one.group === group &&
        one.n !== n &&
        isOpen(one) &&
        !this.isUndecided(one),
    );
  }

  private arrive(order: ModelOrder): void {
    this.open(order);
    const loss = order.leg === 'profit' && this.family(order).find(({ leg }) => leg === 'loss');
    if (loss) this.activate(loss);
    if (waitsForPrice(order)) this.arm(order, this.last);
    else this.enter(order, order.limit ?? order.bound);
  }

  private open(order: ModelOrder): void {
    order.status = 'new';
    order.waits = null;
    order.version += 1;
  }

  private cancel(order: ModelOrder): void {
    order.cancelAsked = false;
    if (isOpen(order)) this.end(order, 'requested');
    else if (order.status !== 'canceled') order.version += 1; // it is told that it came too late
  }

  private end(order: ModelOrder, reason: string): void {
    const others = this.family(order);
    this.close(order, reason);
    for (const other of others) this.close(other, 'group');
  }

  private close(order: ModelOrder, reason: string): void {
    Object.assign(order, { status: 'canceled', reason, hold: 0n, waits: null });
    order.version += 1;
  }

  private enter(order: ModelOrder, bound: bigint): void {
    const time = this.clock++;
    const { fills, left, reason } = planMatch(order, bound, this.book(opposite(order.side)));
    if (order.notional !== null) {
      const qty = fills.reduce((sum, fill) => sum + fill.qty, left);
      if (qty > 0n) order.qty = qty;
      if (fills.length === 0) order.hold = needs(order);
    }
    if (left > 0n && reason === null) Object.assign(order, { waits: 'book', time });
    for (const { maker, qty } of fills) this.trade(order, maker, qty);
    if (reason !== null) this.end(order, reason);
    for (const { maker } of fills) this.seePrice(maker.limit!);
  }

  private trade(taker: ModelOrder, maker: ModelOrder, qty: bigint): void {
    const price = maker.limit!;
    this.last = price;
    this.fill(maker, price, qty);
    this.fill(taker, price, qty);
  }

  private fill(order: ModelOrder, price: bigint, qty: bigint): void {
    const value = valueOf(price, qty);
    const fee = feeOf(value);
    order.filled += qty;
    order.value += value;
    order.fees += fee;
    order.version += 1;
    order.status = restOf(order) === 0n ? 'filled' : 'partially_filled';
    if (order.status === 'filled') order.waits = null;
    order.hold = needs(order);
    const account = this.accounts[order.account]!;
    if (order.side === 'buy') {
      account.cash -= value + fee;
      account.cost += value + fee;
      account.qty += qty;
    } else {
      account.cash += value - fee;
      account.cost -= (account.cost * qty) / account.qty;
      account.qty -= qty;
    }
    this.tellGroup(order, qty);
  }

  private tellGroup(order: ModelOrder, qty: bigint): void {
    const others = this.family(order);
    if (order.leg === 'entry') {
      const holder = others.find(({ leg }) => leg === 'profit') ?? others[0];
      // What comes is not for anybody else.
      if (holder?.side === 'sell') holder.hold += qty;
      if (order.status !== 'filled') return;
      for (const leg of others) this.next.push({ order: leg, run: () => this.activate(leg) });
      return;
    }
    const loss = order.leg === 'profit' && others.find(({ leg }) => leg === 'loss');
    if (!loss) return;
    if (order.status === 'filled') return this.close(loss, 'group');
    loss.qty = loss.filled + restOf(order);
    loss.version += 1;
  }

  private activate(leg: ModelOrder): void {
    this.open(leg);
    if (waitsForPrice(leg)) this.arm(leg, this.last);
    else this.enter(leg, leg.limit ?? leg.bound);
  }

  private arm(order: ModelOrder, mark: bigint): void {
    const { side, type } = order;
    order.time = this.clock++;
    order.mark = type === 'trailing_stop' ? mark : null;
    if (hasReached(side, stopOf(order, mark), this.last)) this.reach(order, this.last);
    else order.waits = 'trigger';
  }

  private reach(order: ModelOrder, price: bigint): void {
    order.triggered = true;
    order.waits = null;
    order.version += 1;
    this.next.push({ order, run: () => this.trigger(order, price) });
  }

  private trigger(order: ModelOrder, price: bigint): void {
    const profit = order.leg === 'loss' && this.family(order).find(({ leg }) => leg === 'profit');
    if (profit) {
      this.close(profit, 'group');
      order.hold = needs(order);
    }
    const bound = collar(order.side, price, price);
    this.enter(order, order.limit ?? (order.side === 'buy' ? least(bound, order.bound) : bound));
  }

  /** Trailing stops follow each trade, and what it reaches is triggered, the nearest first. */
  private seePrice(price: bigint): void {
    for (const side of ['buy', 'sell'] as const) {
      const armed = this.orders.filter((one) => one.waits === 'trigger' && one.side === side);
      for (const one of armed) {
        if (one.mark !== null)
          one.mark = side === 'sell' ? most(one.mark, price) : least(one.mark, price);
      }
      const stop = (one: ModelOrder) => stopOf(one, one.mark ?? 0n);
      const nearest = (a: ModelOrder, b: ModelOrder) => {
        if (stop(a) === stop(b)) return a.time - b.time;
        return (side === 'buy') === stop(a) < stop(b) ? -1 : 1;
      };
      const due = armed.filter((one) => hasReached(side, stop(one), price)).sort(nearest);
      for (const one of due) this.reach(one, price);
    }
  }

  private replace({ order: old, successor, total, version }: Replacement): void {
    old.replaceAsked = false;
    this.undecided.delete(successor);
    const held = old.hold + successor.hold;
    successor.qty = old.group === null ? total - old.filled : restOf(old);
    successor.triggered = old.triggered;
    const refused = this.refuse(old, successor, version);
    const isBroughtIn = old.status === 'held' && old.side === 'sell'; // by its entry, bit by bit
    const needed = isBroughtIn || old.hold === 0n ? old.hold : needs(successor);
    if (refused !== null || needed > held) {
      successor.hold = 0n;
      Object.assign(successor, { status: 'rejected', reason: refused ?? 'insufficient_hold' });
      successor.version += 1;
      old.version += 1;
      return;
    }
    const was = { ...old };
    Object.assign(old, { status: 'replaced', hold: 0n, waits: null });
    old.version += 1;
    successor.hold = needed;
    if (was.status === 'held') {
      Object.assign(successor, { status: 'held', waits: 'entry' });
      return;
    }
    this.open(successor);
    const { limit, time } = was;
    if (waitsForPrice(successor)) this.arm(successor, was.mark ?? this.last);
    else if (successor.limit === limit && restOf(successor) <= restOf(was)) {
      Object.assign(successor, { waits: 'book', time });
    } else this.enter(successor, successor.limit ?? successor.bound);
  }

  private refuse(old: ModelOrder, successor: ModelOrder, version: number | null): string | null {
    if (!isOpen(old)) return `order is ${old.status}`;
    if (version !== null && version !== old.version) return 'version_conflict';
    if (successor.qty <= 0n) return 'order has filled the new quantity already';
    const holder = old.hold === 0n && this.family(old).find(({ leg }) => leg === 'profit');
    const isDearer = holder && old.side === 'buy' && successor.bound > holder.bound;
    return isDearer ? 'insufficient_hold' : null;
  }
}
