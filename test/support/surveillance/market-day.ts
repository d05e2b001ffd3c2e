import { v7 } from 'uuid';
import { matchOrder } from '../../../src/domain/match.js';
import { tradeValue } from '../../../src/domain/money.js';
import type { OrderBook } from '../../../src/domain/order-book.js';
import { seededRandom } from '../../domain/order-flow.js';
import { Plan } from './plan.js';

export type Side = 'buy' | 'sell';
export const other = (side: Side): Side => (side === 'buy' ? 'sell' : 'buy');

const SHARE = 1_000_000_000n;
const TICK = 100n;
/** A worker matches an order a moment after it was accepted. */
const EXECUTED_AFTER_MS = 4;

export interface DayAsset {
  id: string;
  symbol: string;
  shard: number;
  /** In 10^-4 USD; wanders. */
  fair: bigint;
  book: OrderBook;
}

export interface DayOrder {
  id: string;
  accountId: string;
  asset: DayAsset;
  side: Side;
  type: 'market' | 'limit';
  qty: bigint;
  limitPrice: bigint | null;
  boundPrice: bigint;
  status: string;
  reason: string | null;
  filledQty: bigint;
  filledValue: bigint;
  createdAt: number;
  closedAt: number | null;
  replaces: string | null;
  replacedBy: string | null;
}

interface Terms {
  accountId: string;
  asset: DayAsset;
  side: Side;
  qty: bigint;
  price: bigint | null;
  ioc?: boolean;
  replaces?: DayOrder;
}

export interface DayTrade {
  id: string;
  taker: DayOrder;
  maker: DayOrder;
  price: bigint;
  qty: bigint;
  at: number;
}

export interface DayEvent {
  accountId: string;
  type: string;
  order: DayOrder;
  status: string;
  filledQty: bigint;
  filledValue: bigint;
  trade: DayTrade | null;
  at: number;
}

/**
 * A day of trading on a clock of its own: what people plan happens in the order of time, and the
 * product's own book and matching decide who trades with whom. Nothing is written anywhere yet.
 */
export class MarketDay {
  readonly orders: DayOrder[] = [];
  readonly trades: DayTrade[] = [];
  readonly events: DayEvent[] = [];
  readonly random: (below: number) => number;
  private readonly byId = new Map<string, DayOrder>();
  private readonly plan = new Plan();
  private readonly watchers = new Map<string, (order: DayOrder) => void>();
  private count = 0;
  now: number;

  constructor(
    seed: number,
    readonly open: number,
    readonly close: number,
    readonly assets: DayAsset[],
  ) {
    this.random = seededRandom(seed);
    this.now = open;
  }

  /** 0 to 1. */
  chance(): number {
    return this.random(1_000_000) / 1_000_000;
  }

  between(low: number, high: number): number {
    return low + this.random(Math.max(1, Math.floor(high - low + 1)));
  }

  pick<T>(from: readonly T[]): T {
    return from[this.random(from.length)]!;
  }

  id(at: number): string {
    const bytes = Uint8Array.from({ length: 16 }, () => this.random(256));
    return v7({ msecs: at, seq: (this.count += 1), random: bytes });
  }

  /** Plans something for a time; what would be after the close does not happen. */
  at(time: number, act: () => void): void {
    if (time >= this.close) return;
    this.plan.add(Math.floor(time), act);
  }

  in(ms: number, act: () => void): void {
    this.at(this.now + ms, act);
  }

  /** Tells when one of the account's resting orders trades. */
  onFill(accountId: string, act: (order: DayOrder) => void): void {
    this.watchers.set(accountId, act);
  }

  run(): void {
    for (let next = this.plan.takeFirst(); next; next = this.plan.takeFirst()) {
      this.now = Math.max(this.now, next.at);
      next.act();
    }
    for (const order of this.orders) if (order.closedAt === null) this.end(order, 'expired', null);
  }

  best(asset: DayAsset, side: Side): bigint | null {
    return asset.book.best(side)?.price ?? null;
  }

  /** Between the best prices, so that it is first in the queue; the best itself when they touch. */
  inside(asset: DayAsset, side: Side): bigint {
    const best = this.best(asset, side);
    const against = this.best(asset, other(side));
    if (best === null || against === null) return asset.fair;
    const better = side === 'buy' ? best + TICK : best - TICK;
    return better === against ? best : better;
  }

  place(
    accountId: string,
    asset: DayAsset,
    side: Side,
    shares: number,
    price: bigint | null,
  ): DayOrder {
    return this.add({ accountId, asset, side, qty: BigInt(shares) * SHARE, price });
  }

  /** Takes what is there at this price, and does not stay. */
  take(accountId: string, asset: DayAsset, side: Side, shares: number, price: bigint): DayOrder {
    return this.add({ accountId, asset, side, qty: BigInt(shares) * SHARE, price, ioc: true });
  }

  private add({ accountId, asset, side, qty, price, ioc, replaces }: Terms): DayOrder {
    const rounded = price === null ? null : (price / TICK) * TICK;
    const collar = (asset.fair * (side === 'buy' ? 105n : 95n)) / 100n;
    const order: DayOrder = {
      id: this.id(this.now),
      accountId,
      asset,
      side,
      type: rounded === null ? 'market' : 'limit',
      qty,
      limitPrice: rounded,
      boundPrice: rounded ?? (collar / TICK) * TICK,
      status: 'new',
      reason: null,
      filledQty: 0n,
      filledValue: 0n,
      createdAt: this.now,
      closedAt: null,
      replaces: replaces?.id ?? null,
      replacedBy: null,
    };
    this.orders.push(order);
    this.byId.set(order.id, order);
    this.event(order, 'new', null, this.now);
    this.match(order, ioc ?? false);
    return order;
  }

  cancel(order: DayOrder): void {
    if (order.closedAt !== null) return;
    order.asset.book.remove(order.id);
    this.end(order, 'canceled', 'requested');
  }

  replace(order: DayOrder, price: bigint): DayOrder {
    if (order.closedAt !== null) return order;
    order.asset.book.remove(order.id);
    const qty = order.qty - order.filledQty;
    order.status = 'replaced';
    order.closedAt = this.now;
    this.event(order, 'replaced', null, this.now);
    const { accountId, asset, side } = order;
    const next = this.add({ accountId, asset, side, qty, price, replaces: order });
    order.replacedBy = next.id;
    return next;
  }

  private match(order: DayOrder, ioc: boolean): void {
    const { book } = order.asset;
    const result = matchOrder(book, {
      orderId: order.id,
      accountId: order.accountId,
      side: order.side,
      type: order.type,
      timeInForce: ioc ? 'ioc' : 'day',
      boundPrice: order.boundPrice,
      seq: BigInt(this.orders.length),
      qty: order.qty,
    });
    const at = this.now + EXECUTED_AFTER_MS;
    const met: DayOrder[] = [];
    for (const { maker, price, qty } of result.fills) {
      const resting = this.byId.get(maker.orderId)!;
      const trade = { id: this.id(at), taker: order, maker: resting, price, qty, at };
      this.trades.push(trade);
      order.asset.fair = price;
      this.fill(order, trade);
      this.fill(resting, trade);
      met.push(resting);
    }
    if (result.outcome === 'canceled') this.end(order, 'canceled', result.reason);
    for (const resting of met) this.watchers.get(resting.accountId)?.(resting);
  }

  private fill(order: DayOrder, trade: DayTrade): void {
    order.filledQty += trade.qty;
    order.filledValue += tradeValue(trade.price, trade.qty);
    const isFilled = order.filledQty === order.qty;
    order.status = isFilled ? 'filled' : 'partially_filled';
    if (isFilled) order.closedAt = trade.at;
    this.event(order, isFilled ? 'fill' : 'partial_fill', trade, trade.at);
  }

  private end(order: DayOrder, status: string, reason: string | null): void {
    order.status = status;
    order.reason = reason;
    order.closedAt = Math.max(this.now, order.createdAt + EXECUTED_AFTER_MS);
    this.event(order, status, null, order.closedAt);
  }

  private event(order: DayOrder, type: string, trade: DayTrade | null, at: number): void {
    const { accountId, status, filledQty, filledValue } = order;
    this.events.push({ accountId, type, order, status, filledQty, filledValue, trade, at });
  }
}
