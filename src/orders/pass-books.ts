import type { Budget, IncomingOrder } from '../domain/match.js';
import { opposite, OrderBook, type RestingOrder, type Side } from '../domain/order-book.js';
import { MAX_UNITS, tradeValue } from '../domain/money.js';
import { restOf, type WorkingOrder } from './working-order.js';

/** What an incoming order may take from a book, at most. */
export interface Reach {
  assetId: string;
  /** Of the book: the makers' side. */
  side: Side;
  /** A price as the book ranks it: itself when selling, its negative when buying. */
  worstRank: bigint;
  /** In 10^-9 units. */
  qty: bigint;
  /** What is to be spent, in 10^-4 USD, beside the quantity. */
  value: bigint;
}

/** Reads on behind this place of the book's priority; null from its beginning. */
export interface WantedBook extends Reach {
  after: BookKey | null;
}

export interface BookKey {
  rank: bigint;
  seq: bigint;
}

export interface BookEntry {
  order: WorkingOrder;
  resting: RestingOrder;
}

/** How far one side of one book has been read. */
interface Window {
  after: BookKey | null;
  /** Everything up to this rank is here; null: only up to `after`. */
  completeTo: bigint | null;
}

const QTY_ONE = 1_000_000_000n;

export const rankOf = (side: Side, price: bigint): bigint => (side === 'sell' ? price : -price);

/**
 * The books of a pass: read as far as the work can reach, and further on demand, since a stop that is
 * triggered or a replacement may reach for more than was foreseen. Nobody else changes them while the
 * pass holds its shards' locks, so that reading later is the same as reading earlier.
 */
export class PassBooks {
  private readonly books = new Map<string, OrderBook>();
  private readonly windows = new Map<string, Window>();

  /**
   * @param load  reads resting orders in priority order
   * @param admit told of each that was read; false when it is not in the book any more
   */
  constructor(
    private readonly load: (wanted: readonly WantedBook[]) => Promise<BookEntry[]>,
    private readonly admit: (entry: BookEntry) => boolean,
  ) {}

  of(assetId: string): OrderBook {
    let book = this.books.get(assetId);
    if (!book) this.books.set(assetId, (book = new OrderBook()));
    return book;
  }

  /** Reads at once what a number of incoming orders can reach together. */
  async preload(reaches: readonly Reach[]): Promise<void> {
    const total = new Map<string, Reach>();
    for (const reach of reaches) {
      const known = total.get(reach.assetId + reach.side);
      if (!known) total.set(reach.assetId + reach.side, { ...reach });
      else {
        known.qty += reach.qty;
        known.value += reach.value;
        if (reach.worstRank > known.worstRank) known.worstRank = reach.worstRank;
      }
    }
    if (total.size > 0) await this.read([...total.values()]);
  }

  /** Makes sure that everything is here that an order of this account can trade with. */
  ensure(reach: Reach, accountId: string): Promise<void> | undefined {
    return this.isRead(reach, accountId) ? undefined : this.readAll(reach, accountId);
  }

  /** More than once when some of what was read is not in the book any more. */
  private async readAll(reach: Reach, accountId: string): Promise<void> {
    do await this.read([reach]);
    while (!this.isRead(reach, accountId));
  }

  private isRead(reach: Reach, accountId: string): boolean {
    const window = this.windows.get(reach.assetId + reach.side);
    if (window?.completeTo != null && reach.worstRank <= window.completeTo) return true;
    return window?.after != null && this.covers(window.after, reach, accountId);
  }

  /** True when what has been read for sure is as much as the order can take. */
  private covers(after: BookKey, { assetId, side, ...reach }: Reach, accountId: string): boolean {
    const book = this.of(assetId);
    let { qty, value } = reach;
    for (let place = 0; qty > 0n || value > 0n; place += 1) {
      const maker = book.at(side, place);
      if (!maker) return false;
      const rank = rankOf(side, maker.price);
      if (rank > after.rank || (rank === after.rank && maker.seq > after.seq)) return false;
      if (rank > reach.worstRank || maker.accountId === accountId) return true;
      if (qty > 0n) qty -= maker.remaining;
      else value -= tradeValue(maker.price, maker.remaining);
    }
    return true;
  }

  private async read(reaches: readonly Reach[]): Promise<void> {
    const wanted = reaches.map((reach) => ({
      ...reach,
      after: this.windows.get(reach.assetId + reach.side)?.after ?? null,
    }));
    const entries = await this.load(wanted);
    const read = new Map<string, { sum: bigint; first: bigint; last: BookKey }>();
    for (const entry of entries) {
      const { side, price, seq, remaining } = entry.resting;
      const key = entry.order.assetId + side;
      const seen = read.get(key) ?? { sum: 0n, first: price, last: { rank: 0n, seq: 0n } };
      seen.sum += remaining;
      seen.last = { rank: rankOf(side, price), seq };
      read.set(key, seen);
      if (this.admit(entry)) this.of(entry.order.assetId).add(entry.resting);
    }
    for (const reach of wanted) this.widen(reach, read.get(reach.assetId + reach.side));
  }

  private widen(
    { assetId, side, qty, value, worstRank, after }: WantedBook,
    read: { sum: bigint; first: bigint; last: BookKey } | undefined,
  ): void {
    const spent = read && value > 0n ? (value * QTY_ONE) / read.first : 0n;
    const isComplete = !read || read.sum < qty + spent;
    const earlier = this.windows.get(assetId + side)?.completeTo ?? null;
    this.windows.set(assetId + side, {
      after: read?.last ?? after,
      completeTo: isComplete && (earlier === null || worstRank > earlier) ? worstRank : earlier,
    });
  }
}

/** What an order can take from the other side of its book, down to a worst price. */
export const reachOf = (order: WorkingOrder, worstPrice: bigint): Reach => {
  const side = opposite(order.side);
  const spends = order.notional !== null && order.side === 'buy';
  return {
    assetId: order.assetId,
    side,
    worstRank: rankOf(side, worstPrice),
    qty: spends ? 0n : order.qty - order.filledQty,
    value: spends ? order.notional! : 0n,
  };
};

/**
 * An order as it meets the book.
 * @param bounds the worst price that the order itself allows, and its asset's band, in 10^-4 USD
 */
export const incomingOf = (
  order: WorkingOrder,
  bounds: { own: bigint; band: bigint | null },
  seq: bigint,
  budget: Budget | null,
): IncomingOrder => ({
  orderId: order.id,
  accountId: order.accountId,
  side: order.side,
  type: order.limitPrice === null ? 'market' : 'limit',
  timeInForce: order.timeInForce,
  boundPrice: bounds.own,
  bandPrice: bounds.band,
  seq,
  qty: budget !== null && order.side === 'buy' ? MAX_UNITS : restOf(order),
  budget,
});
