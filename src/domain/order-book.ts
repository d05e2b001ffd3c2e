export type Side = 'buy' | 'sell';

/** An order that waits in the book. Only `remaining` changes, and only by matching. */
export interface RestingOrder {
  readonly orderId: string;
  readonly accountId: string;
  readonly side: Side;
  /** In 10^-4 USD. */
  readonly price: bigint;
  /** Its place in time: the lower, the earlier. Unique within a book. */
  readonly seq: bigint;
  /** In 10^-9 units, above zero while it rests. */
  remaining: bigint;
}

export const opposite = (side: Side): Side => (side === 'buy' ? 'sell' : 'buy');

/** True when `a` trades before `b`, both on the same side: better price first, then earlier. */
const goesBefore = (a: RestingOrder, b: RestingOrder): boolean => {
  if (a.price === b.price) return a.seq < b.seq;
  return a.side === 'buy' ? a.price > b.price : a.price < b.price;
};

/**
 * The resting orders of one asset in price-time priority.
 * Each side is an array with its best order last: matching pops, which costs nothing, and most
 * orders arrive near the top of the book, so an insertion moves few.
 */
export class OrderBook {
  readonly #sides: Record<Side, RestingOrder[]> = { buy: [], sell: [] };
  readonly #byId = new Map<string, RestingOrder>();

  /**
   * @param orders resting orders in any order; the book keeps and mutates these very objects
   * @throws Error when an order id occurs twice
   */
  constructor(orders: Iterable<RestingOrder> = []) {
    for (const order of orders) {
      this.#register(order);
      this.#sides[order.side].push(order);
    }
    for (const side of [this.#sides.buy, this.#sides.sell]) {
      side.sort((a, b) => (goesBefore(a, b) ? 1 : -1));
    }
  }

  /** The order that trades next on this side. */
  best(side: Side): RestingOrder | undefined {
    return this.#sides[side].at(-1);
  }

  /** The order at a place in the queue: 0 is the best. For looking ahead without a copy. */
  at(side: Side, place: number): RestingOrder | undefined {
    const orders = this.#sides[side];
    return orders[orders.length - 1 - place];
  }

  /** A copy of one side, the best first. */
  orders(side: Side): RestingOrder[] {
    return this.#sides[side].toReversed();
  }

  find(orderId: string): RestingOrder | undefined {
    return this.#byId.get(orderId);
  }

  /** @throws Error when the order is in the book already */
  add(order: RestingOrder): void {
    this.#register(order);
    const orders = this.#sides[order.side];
    orders.splice(this.#place(order), 0, order);
  }

  /** Takes an order out; undefined when it is not in the book. */
  remove(orderId: string): RestingOrder | undefined {
    const order = this.#byId.get(orderId);
    if (!order) return undefined;
    this.#byId.delete(orderId);
    const orders = this.#sides[order.side];
    // The order is at its own place, and the best one (nearly always asked for) at the end.
    if (orders.at(-1) === order) orders.pop();
    else orders.splice(this.#place(order), 1);
    return order;
  }

  #register(order: RestingOrder): void {
    if (this.#byId.has(order.orderId)) throw new Error(`order ${order.orderId} rests already`);
    this.#byId.set(order.orderId, order);
  }

  /** Where the order is or belongs: after all that trade later than it does. */
  #place(order: RestingOrder): number {
    const orders = this.#sides[order.side];
    let low = 0;
    let high = orders.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (goesBefore(order, orders[middle]!)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
