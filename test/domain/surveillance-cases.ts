import type { Activity, Side, WatchedFill, WatchedOrder } from '../../src/domain/layering.js';
import type { FlatTrade } from '../../src/domain/round-trips.js';
import type { Thresholds, Window } from '../../src/domain/surveillance.js';

/** What tests of the detectors are written with: seconds of a window that begins at second 0. */

const START = Date.parse('2026-11-20T15:00:00Z');
export const second = (seconds: number): Date => new Date(START + seconds * 1_000);
export const WINDOW: Window = { from: second(0), to: second(60) };

export const THRESHOLDS: Thresholds = {
  washTrades: 3,
  layers: 4,
  layeringRatio: 3,
  burstMessages: 100,
  concentrationPct: 40,
};

let count = 0;
const nextId = (what: string): string => `${what}-${(count += 1)}`;
const SHARE = 1_000_000_000n;

interface TradeTerms {
  qty?: bigint;
  price?: bigint;
  /** Seconds between the two orders. */
  apart?: number;
  assetId?: string;
  /** How often each side traded in all. */
  buyerTrades?: number;
  sellerTrades?: number;
}

/** Seller and buyer, and when. */
export function trade(
  seller: string,
  buyer: string,
  at: number,
  { qty = 10n, price = 1_500_000n, apart = 60, ...more }: TradeTerms = {},
): FlatTrade {
  const order = (before: number) => ({
    id: nextId('order'),
    qty: qty * SHARE,
    createdAt: second(at - before),
  });
  return {
    id: nextId('execution'),
    assetId: more.assetId ?? 'AAPL',
    buyer,
    seller,
    price,
    qty: qty * SHARE,
    value: price * qty,
    executedAt: second(at),
    recordedAt: second(at),
    buyOrder: order(0),
    sellOrder: order(apart),
    buyerTrades: more.buyerTrades ?? 1,
    sellerTrades: more.sellerTrades ?? 1,
  };
}

/** An order from one second to another; withdrawn unless something else is said. */
export const order = (
  side: Side,
  from: number,
  to: number | null,
  more: Partial<WatchedOrder> = {},
): WatchedOrder => ({
  id: nextId('order'),
  side,
  qty: 100n * SHARE,
  filledQty: 0n,
  limitPrice: 1_490_000n,
  createdAt: second(from),
  closedAt: to === null ? null : second(to),
  isWithdrawn: to !== null,
  ...more,
});

export const fill = (side: Side, at: number, more: Partial<WatchedFill> = {}): WatchedFill => ({
  executionId: nextId('execution'),
  orderId: nextId('order'),
  side,
  price: 1_500_000n,
  qty: 50n * SHARE,
  orderQty: 50n * SHARE,
  at: second(at),
  ...more,
});

export const activity = (
  orders: readonly WatchedOrder[],
  fills: readonly WatchedFill[] = [],
): Activity => ({ accountId: 'A', assetId: 'AAPL', orders, fills });
