import { newId } from '../ids.js';
import { matchOrder, type Fill } from '../domain/match.js';
import { feeOn, holdFor, tradeValue } from '../domain/money.js';
import { OrderBook, type RestingOrder } from '../domain/order-book.js';
import { FEES_ACCOUNT } from '../ledger/house.js';
import { tradePostings, type PostingRow } from '../ledger/trade-postings.js';
import type { OrderProgress, OrderTerms } from './model.js';

/** An order while a pass works on it: read once, changed in memory, written once. */
export type WorkingOrder = Pick<
  OrderTerms,
  | 'id'
  | 'accountId'
  | 'assetId'
  | 'shard'
  | 'side'
  | 'type'
  | 'timeInForce'
  | 'boundPrice'
  | 'feeBps'
  | 'createdAt'
> &
  Pick<
    OrderProgress,
    'status' | 'qty' | 'filledQty' | 'filledValue' | 'fees' | 'hold' | 'reason' | 'version'
  >;

export interface WorkItem {
  seq: bigint;
  shard: number;
  kind: 'place' | 'cancel';
  waitingSince: Date;
  order: WorkingOrder;
}

export interface TradeRow {
  id: string;
  taker: WorkingOrder;
  maker: WorkingOrder;
  price: bigint;
  qty: bigint;
  value: bigint;
  takerFee: bigint;
  makerFee: bigint;
}

/** What moves one account's holding of one asset, in the order it happens. */
export interface Movement {
  qty: bigint;
  /** What a purchase adds to the cost basis, in 10^-4 USD; nothing for a sale. */
  cost: bigint;
  /** Filled in when the position is under lock: the quantity after this movement. */
  positionQty?: bigint;
}

export interface EventDraft {
  accountId: string;
  type: string;
  orderId: string;
  status: string;
  version: number;
  filledQty: bigint;
  filledValue: bigint;
  fees: bigint;
  fill?: { executionId: string; price: bigint; qty: bigint; fee: bigint; movement: Movement };
  reason: string | null;
}

export interface NotificationDraft {
  order: WorkingOrder;
  executions: number;
  qty: bigint;
  value: bigint;
  fees: bigint;
}

interface PositionChange {
  accountId: string;
  assetId: string;
  held: bigint;
  movements: Movement[];
}

const CLOSED = new Set<string>(['filled', 'canceled', 'expired', 'rejected']);

/**
 * Works through a sequence of orders and cancellations in memory and adds up what it means for
 * orders, book, money, shares, events and notifications. Pure but for the trade ids; the execution
 * pass writes the result.
 */
export class Settlement {
  readonly changed = new Set<WorkingOrder>();
  readonly trades: TradeRow[] = [];
  readonly postings: PostingRow[] = [];
  readonly events: EventDraft[] = [];
  readonly notifications = new Map<string, NotificationDraft>();
  readonly accounts = new Map<string, { cash: bigint; held: bigint }>();
  readonly positions = new Map<string, PositionChange>();
  readonly lastPrices = new Map<string, bigint>();
  readonly bookDeleted = new Set<string>();
  readonly bookReduced = new Map<string, RestingOrder>();
  readonly bookInserted = new Map<string, RestingOrder>();

  private readonly books = new Map<string, OrderBook>();
  private readonly orders = new Map<string, WorkingOrder>();

  /** @param resting the part of the books that the work can reach, with the orders themselves */
  constructor(
    work: readonly WorkItem[],
    resting: readonly { order: WorkingOrder; resting: RestingOrder }[],
  ) {
    const byAsset = new Map<string, RestingOrder[]>();
    for (const one of resting) {
      this.orders.set(one.order.id, one.order);
      const list = byAsset.get(one.order.assetId);
      if (list) list.push(one.resting);
      else byAsset.set(one.order.assetId, [one.resting]);
    }
    for (const [assetId, orders] of byAsset) this.books.set(assetId, new OrderBook(orders));
    for (const item of work) {
      const known = this.orders.get(item.order.id);
      if (known)
        item.order = known; // one object an order, or two changes would be written over
      else this.orders.set(item.order.id, item.order);
      if (item.kind === 'place') this.place(item);
      else this.cancel(item.order);
    }
  }

  /** @throws Error when the pass has nothing to do with the order */
  order(id: string): WorkingOrder {
    const order = this.orders.get(id);
    if (!order) throw new Error(`order ${id} is not part of this pass`);
    return order;
  }

  private place({ order, seq }: WorkItem): void {
    const book = this.book(order.assetId);
    order.status = 'new';
    this.addEvent(order, 'new');
    const { accountId, side, type, timeInForce, boundPrice, qty } = order;
    const result = matchOrder(book, {
      orderId: order.id,
      accountId,
      side,
      type: type as 'market' | 'limit',
      timeInForce: timeInForce as 'day',
      boundPrice,
      seq,
      qty,
    });
    for (const fill of result.fills) this.trade(order, fill);
    if (result.outcome === 'canceled') this.close(order, result.reason);
    if (result.outcome === 'resting') this.bookInserted.set(order.id, book.find(order.id)!);
  }

  private cancel(order: WorkingOrder): void {
    if (CLOSED.has(order.status)) {
      this.addEvent(order, 'order_cancel_rejected', { reason: `order is ${order.status}` });
      return;
    }
    this.book(order.assetId).remove(order.id);
    if (!this.bookInserted.delete(order.id)) this.bookDeleted.add(order.id);
    this.bookReduced.delete(order.id);
    this.close(order, 'requested');
  }

  private trade(taker: WorkingOrder, { maker: resting, price, qty }: Fill): void {
    const maker = this.order(resting.orderId);
    const value = tradeValue(price, qty);
    const trade: TradeRow = {
      id: newId(),
      taker,
      maker,
      price,
      qty,
      value,
      takerFee: feeOn(value, taker.feeBps),
      makerFee: feeOn(value, maker.feeBps),
    };
    this.trades.push(trade);
    this.lastPrices.set(taker.assetId, price);
    this.takeFromBook(resting);
    this.post(trade);
    this.fill(maker, trade, trade.makerFee);
    this.fill(taker, trade, trade.takerFee);
  }

  private takeFromBook(resting: RestingOrder): void {
    const { orderId, remaining } = resting;
    if (remaining > 0n) {
      if (!this.bookInserted.has(orderId)) this.bookReduced.set(orderId, resting);
      return;
    }
    this.bookReduced.delete(orderId);
    if (!this.bookInserted.delete(orderId)) this.bookDeleted.add(orderId);
  }

  private post({ id, taker, maker, qty, value, takerFee, makerFee }: TradeRow): void {
    const sides = [
      { accountId: taker.accountId, fee: takerFee },
      { accountId: maker.accountId, fee: makerFee },
    ] as const;
    const [buyer, seller] = taker.side === 'buy' ? sides : [sides[1], sides[0]];
    this.postings.push(...tradePostings({ id, assetId: taker.assetId, qty, value }, buyer, seller));
    const fees = takerFee + makerFee;
    if (fees > 0n) this.account(FEES_ACCOUNT).cash += fees;
  }

  /** One side of a trade: the order, its hold, its account's money and shares, its event. */
  private fill(order: WorkingOrder, trade: TradeRow, fee: bigint): void {
    const { qty, value, price } = trade;
    order.filledQty += qty;
    order.filledValue += value;
    order.fees += fee;
    order.status = order.filledQty === order.qty ? 'filled' : 'partially_filled';
    this.release(order);
    const bought = order.side === 'buy';
    this.account(order.accountId).cash += bought ? -(value + fee) : value - fee;
    const movement: Movement = { qty: bought ? qty : -qty, cost: bought ? value + fee : 0n };
    this.position(order).movements.push(movement);
    const type = order.status === 'filled' ? 'fill' : 'partial_fill';
    this.addEvent(order, type, { fill: { executionId: trade.id, price, qty, fee, movement } });
    this.addNotification(order, qty, value, fee);
  }

  private close(order: WorkingOrder, reason: string | null): void {
    order.status = 'canceled';
    order.reason = reason;
    this.release(order);
    this.addEvent(order, 'canceled', { reason });
  }

  /** Lowers the hold to what the open rest needs: to nothing, to the last unit, once it is closed. */
  private release(order: WorkingOrder): void {
    const rest = CLOSED.has(order.status) ? 0n : order.qty - order.filledQty;
    const needed = order.side === 'buy' ? holdFor(order.boundPrice, rest, order.feeBps) : rest;
    const released = order.hold - needed;
    order.hold = needed;
    if (order.side === 'buy') this.account(order.accountId).held -= released;
    else this.position(order).held -= released;
  }

  private addEvent(
    order: WorkingOrder,
    type: string,
    more: { fill?: EventDraft['fill']; reason?: string | null } = {},
  ): void {
    order.version += 1;
    this.changed.add(order);
    this.account(order.accountId); // its row gives the event its number
    this.events.push({
      accountId: order.accountId,
      type,
      orderId: order.id,
      status: order.status,
      version: order.version,
      filledQty: order.filledQty,
      filledValue: order.filledValue,
      fees: order.fees,
      ...(more.fill && { fill: more.fill }),
      reason: more.reason ?? null,
    });
  }

  private addNotification(order: WorkingOrder, qty: bigint, value: bigint, fees: bigint): void {
    const draft = this.notifications.get(order.id);
    if (draft) {
      draft.executions += 1;
      draft.qty += qty;
      draft.value += value;
      draft.fees += fees;
    } else this.notifications.set(order.id, { order, executions: 1, qty, value, fees });
  }

  private book(assetId: string): OrderBook {
    let book = this.books.get(assetId);
    if (!book) this.books.set(assetId, (book = new OrderBook()));
    return book;
  }

  private account(id: string): { cash: bigint; held: bigint } {
    let change = this.accounts.get(id);
    if (!change) this.accounts.set(id, (change = { cash: 0n, held: 0n }));
    return change;
  }

  private position({ accountId, assetId }: WorkingOrder): PositionChange {
    const key = accountId + assetId;
    let change = this.positions.get(key);
    if (!change)
      this.positions.set(key, (change = { accountId, assetId, held: 0n, movements: [] }));
    return change;
  }
}

export const isClosed = (status: string): boolean => CLOSED.has(status);
