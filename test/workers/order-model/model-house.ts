import { MarketModel } from './model-market.js';
import {
  affordable,
  boundOf,
  cashFor,
  cashForNotional,
  isOpen,
  most,
  needs,
  opposite,
  trailBehind,
  valueOf,
  type ModelOrder,
  type Terms,
} from './model-order.js';

export type Trail = Pick<Terms, 'trailPrice' | 'trailPercent'>;

export interface PlaceRequest extends Terms {
  orderClass: '' | 'bracket' | 'oco' | 'oto';
  profit: bigint | null;
  loss: (Trail & Pick<Terms, 'stop' | 'limit'>) | null;
}

export interface Changes {
  qty: bigint | null;
  limit: bigint | null;
  stop: bigint | null;
  trail: bigint | null;
}

/** Kinds of refusal, as the product names them. */
export type Answer = 'accepted' | 'invalid' | 'forbidden' | 'conflict';

const NO_PRICES = { limit: null, stop: null, trailPrice: null, trailPercent: null } as const;

/** What the house accepts, by the market as it was last settled, and what it holds for it. */
export class HouseModel extends MarketModel {
  /** @returns what the answer must be, and the orders that there are from now on */
  place(request: PlaceRequest): { answer: Answer; orders: ModelOrder[] } {
    const orders = this.build(request);
    const [first] = orders as [ModelOrder];
    if (!this.legsFit(request)) return { answer: 'invalid', orders: [] };
    if (this.wouldWash(first, first.qty) || !this.canHold(orders))
      return { answer: 'forbidden', orders: [] };
    this.orders.push(...orders);
    this.queue.push({ kind: 'place', order: first });
    return { answer: 'accepted', orders };
  }

  askCancel(order: ModelOrder): Answer {
    if (!isOpen(order)) return 'invalid';
    if (!order.cancelAsked) this.queue.push({ kind: 'cancel', order });
    order.cancelAsked = true;
    return 'accepted';
  }

  change(
    old: ModelOrder,
    changes: Changes,
    version: number | null,
  ): { answer: Answer; successor: ModelOrder | null } {
    const refused = this.refuseChange(old, changes, version);
    if (refused) return { answer: refused, successor: null };
    const total = changes.qty ?? old.qty;
    const successor: ModelOrder = { ...old, ...changed(old, changes), ...FRESH };
    successor.n = this.orders.length;
    successor.qty = total - old.filled;
    if (successor.qty <= 0n) return { answer: 'invalid', successor: null };
    const bound = boundOf(successor, this.last, null);
    const isShared = old.leg === 'profit' && old.side === 'buy';
    successor.bound = isShared ? most(bound, old.bound) : bound;
    successor.hold = this.extraHold(old, successor);
    if (this.wouldWash(successor, changes.qty ?? old.qty) || !this.canHold([successor])) {
      return { answer: 'forbidden', successor: null };
    }
    this.orders.push(successor);
    this.undecided.add(successor);
    old.replaceAsked = true;
    this.queue.push({ kind: 'replace', order: old, successor, total, version });
    return { answer: 'accepted', successor };
  }

  held(account: number, side: 'buy' | 'sell'): bigint {
    const own = this.orders.filter((one) => one.account === account && one.side === side);
    return own.reduce((sum, { hold }) => sum + hold, 0n);
  }

  private refuseChange(old: ModelOrder, changes: Changes, version: number | null): Answer | null {
    if (old.notional !== null || !isOpen(old)) return 'invalid';
    if (isOff(old, changes) || this.isWorthNothing({ ...old, ...changed(old, changes) }, changes))
      return 'invalid';
    if (version !== null && version !== old.version) return 'conflict';
    return old.cancelAsked || old.replaceAsked || this.isUndecided(old) ? 'invalid' : null;
  }

  /** Less than the smallest amount of money would change hands. */
  private isWorthNothing({ limit, stop, qty }: Terms, changes: Changes): boolean {
    return valueOf(limit ?? stop ?? this.last, changes.qty ?? qty) === 0n;
  }

  /** Enough whichever fills come first: none, or all that the old order has left. */
  private extraHold(old: ModelOrder, successor: ModelOrder): bigint {
    if (old.hold === 0n || (old.status === 'held' && old.side === 'sell')) return 0n;
    const oldRest = old.qty - old.filled;
    const need = (qty: bigint): bigint => {
      if (qty <= 0n) return 0n;
      return old.side === 'buy' ? cashFor(successor.bound, qty) : qty;
    };
    const more = most(need(successor.qty) - old.hold, need(successor.qty - oldRest));
    if (more <= 0n) return 0n;
    return old.side === 'buy' ? more + 1n : more;
  }

  private build(request: PlaceRequest): ModelOrder[] {
    const { orderClass, profit, loss, ...terms } = request;
    const n = this.orders.length;
    const blank = { n, group: null, leg: null, bound: 0n, mark: null, triggered: false };
    const first: ModelOrder = { ...terms, ...blank, ...FRESH };
    if (orderClass === '') return [this.withHold(first)];
    first.group = n;
    first.leg = orderClass === 'oco' ? 'profit' : 'entry';
    const orders = [first];
    const side = orderClass === 'oco' ? first.side : opposite(first.side);
    const addLeg = (leg: Partial<ModelOrder>) => {
      const own = { n: n + orders.length, side, status: 'held', waits: 'entry' } as const;
      orders.push({ ...first, ...own, ...NO_PRICES, ...leg });
    };
    if (orderClass === 'oco') first.limit = profit;
    else if (profit !== null) addLeg({ leg: 'profit', type: 'limit', limit: profit });
    if (loss) {
      const type =
        loss.stop === null ? 'trailing_stop' : loss.limit === null ? 'stop' : 'stop_limit';
      addLeg({ leg: 'loss', type, ...loss });
    }
    for (const order of orders) order.bound = boundOf(order, this.last, this.bestAgainst(order));
    const legs = orders.filter(({ leg }) => leg !== 'entry');
    const [holder] = legs as [ModelOrder];
    if (first.leg === 'entry') first.hold = needs(first);
    if (side === 'buy') holder.bound = legs.map(({ bound }) => bound).reduce(most);
    if (side === 'buy' || orderClass === 'oco') holder.hold = needs(holder);
    return orders;
  }

  private withHold(order: ModelOrder): ModelOrder {
    const { side, notional, account } = order;
    order.bound = boundOf(order, this.last, this.bestAgainst(order));
    if (notional !== null) {
      const qty = affordable(notional, order.bound);
      order.qty = side === 'sell' ? qty + 1n : most(qty, 1n);
      const free = this.accounts[account]!.qty - this.held(account, 'sell');
      const isWorthIt = free * this.last >= notional * 10n ** 9n;
      if (side === 'sell' && free < order.qty && isWorthIt) order.qty = free;
    }
    order.hold = notional !== null && side === 'buy' ? cashForNotional(notional) : needs(order);
    return order;
  }

  private bestAgainst({ side, type }: ModelOrder): bigint | null {
    return type === 'market' ? (this.book(opposite(side))[0]?.limit ?? null) : null;
  }

  /** A seller takes its profit above the entry and its loss below it. */
  private legsFit({ orderClass, profit, loss, ...terms }: PlaceRequest): boolean {
    if (orderClass === '') return true;
    const side = orderClass === 'oco' ? terms.side : opposite(terms.side);
    const entry = orderClass === 'oco' ? null : (terms.limit ?? terms.stop ?? this.last);
    const stop = loss && (loss.stop ?? trailBehind({ ...loss, side }, this.last));
    const prices = [stop, entry, profit].filter((price) => price !== null);
    return prices.every((price, at) => {
      const before = prices[at - 1];
      return before === undefined || (side === 'sell' ? before < price : before > price);
    });
  }

  /** True when it would come to an order of its own account before it is filled by others. */
  private wouldWash(order: ModelOrder, qty: bigint): boolean {
    const { account, side, type, notional } = order;
    if (type !== 'market' && type !== 'limit') return false;
    const bound = order.limit ?? order.bound;
    const book = this.book(opposite(side));
    const place = book.findIndex((one) => one.account === account && !one.cancelAsked);
    const own = book[place];
    if (!own || (side === 'buy' ? own.limit! > bound : own.limit! < bound)) return false;
    const before = book.slice(0, place).reduce((sum, one) => sum + one.qty - one.filled, 0n);
    return notional !== null || before < qty;
  }

  private canHold(orders: readonly ModelOrder[]): boolean {
    const { account } = orders[0]!;
    const { cash, qty } = this.accounts[account]!;
    const wanted = (side: 'buy' | 'sell') =>
      orders.reduce((sum, order) => (order.side === side ? sum + order.hold : sum), 0n);
    const enough = (side: 'buy' | 'sell', owned: bigint) =>
      wanted(side) === 0n || wanted(side) <= owned - this.held(account, side);
    return enough('buy', cash) && enough('sell', qty);
  }
}

const mayMove = ({ stop, triggered }: ModelOrder): boolean => stop !== null && !triggered;

const FRESH = {
  status: 'accepted',
  reason: null,
  filled: 0n,
  value: 0n,
  fees: 0n,
  hold: 0n,
  version: 1,
  mark: null,
  waits: null,
  time: 0,
  cancelAsked: false,
  replaceAsked: false,
} as const;

const changed = (old: ModelOrder, { limit, stop, trail }: Changes): Partial<ModelOrder> => ({
  limit: limit ?? old.limit,
  stop: stop ?? old.stop,
  ...(trail !== null && old.trailPrice !== null && { trailPrice: trail }),
  ...(trail !== null && old.trailPercent !== null && { trailPercent: trail }),
});

/** A change that this order does not take. */
const isOff = (old: ModelOrder, changes: Changes): boolean =>
  (changes.qty !== null && old.group !== null) ||
  (changes.limit !== null && old.limit === null) ||
  (changes.stop !== null && !mayMove(old)) ||
  (changes.trail !== null && old.type !== 'trailing_stop');
