import { formatDecimal, PRICE_SCALE, QTY_SCALE } from './money.js';
import {
  isWithin,
  scoreOf,
  spanOf,
  sum,
  type Evidence,
  type Finding,
  type Thresholds,
  type Window,
} from './surveillance.js';

export type Side = 'buy' | 'sell';

/** An order as it stood at the end of the window. Quantities in 10^-9, prices in 10^-4 USD. */
export interface WatchedOrder {
  readonly id: string;
  readonly side: Side;
  readonly qty: bigint;
  readonly filledQty: bigint;
  /** Null for a market order. */
  readonly limitPrice: bigint | null;
  readonly createdAt: Date;
  readonly closedAt: Date | null;
  /** Cancelled because its client asked for it. */
  readonly isWithdrawn: boolean;
}

/** An execution of one of the account's orders. */
export interface WatchedFill {
  readonly executionId: string;
  readonly orderId: string;
  readonly side: Side;
  readonly price: bigint;
  readonly qty: bigint;
  /** Of the whole order. */
  readonly orderQty: bigint;
  readonly at: Date;
}

/** What one account did in one asset, some time before the window included. */
export interface Activity {
  readonly accountId: string;
  readonly assetId: string;
  readonly orders: readonly WatchedOrder[];
  readonly fills: readonly WatchedFill[];
}

/** From the execution to the withdrawal of what had attracted it. */
const WITHDRAWN_WITHIN_MS = 30_000;
/** Orders that were meant to trade did so, at least in part. */
const HARDLY_FILLED_PCT = 10n;
/** Of all its orders on that side: who layers wants none of them to execute. */
const WITHDRAWN_SHARE_PCT = 60;

/**
 * Layering and spoofing: orders on one side that are there while the account executes on the other,
 * and are withdrawn right afterwards (FINRA 5210.03, Dodd-Frank 747, MAR annex I A(f) and B). Several
 * of them, or the same one again and again, hardly filled, and together several times as large as the
 * whole orders that executed: who quotes both sides and requotes withdraws as much as they offer.
 */
export function findLayering(
  activity: Activity,
  window: Window,
  thresholds: Pick<Thresholds, 'layers' | 'layeringRatio'>,
): Finding[] {
  return (['buy', 'sell'] as const).flatMap((side) => {
    const fills = activity.fills.filter((fill) => fill.side === side);
    const opposite = activity.orders.filter((order) => order.side !== side);
    const pulled = opposite.filter((order) => fills.some((fill) => isPulled(order, fill)));
    if (pulled.length < thresholds.layers) return [];
    if (!pulled.some(({ closedAt }) => isWithin(closedAt!, window))) return [];
    if (pulled.length * 100 < opposite.length * WITHDRAWN_SHARE_PCT) return [];
    const executed = fills.filter((fill) => pulled.some((order) => isPulled(order, fill)));
    const genuine = new Map(executed.map(({ orderId, orderQty }) => [orderId, orderQty]));
    const pulledQty = sum(pulled.map(({ qty }) => qty));
    const ratio = Number((pulledQty * 100n) / sum(genuine.values())) / 100;
    if (ratio < thresholds.layeringRatio) return [];
    return [layeringFinding(activity, { pulled, executed, ratio, side }, window)];
  });
}

/** Open when the other side executed, hardly filled itself, and withdrawn soon after. */
function isPulled({ isWithdrawn, createdAt, closedAt, ...order }: WatchedOrder, fill: WatchedFill) {
  if (!isWithdrawn || !closedAt || createdAt >= fill.at || closedAt < fill.at) return false;
  if (order.filledQty * 100n > order.qty * HARDLY_FILLED_PCT) return false;
  return closedAt.getTime() - fill.at.getTime() <= WITHDRAWN_WITHIN_MS;
}

interface Layers {
  readonly pulled: readonly WatchedOrder[];
  readonly executed: readonly WatchedFill[];
  readonly ratio: number;
  /** That executed. */
  readonly side: Side;
}

function layeringFinding(
  { accountId, assetId }: Activity,
  { pulled, executed, ratio, side }: Layers,
  window: Window,
): Finding {
  const other = side === 'buy' ? 'sell' : 'buy';
  return {
    kind: 'layering',
    rule: `${other}_side`,
    accountIds: [accountId],
    assetId,
    bucket: window.from.toISOString(),
    ...spanOf(pulled.flatMap(({ createdAt, closedAt }) => [createdAt, closedAt!])),
    score: scoreOf(40 + 2 * pulled.length + 3 * ratio),
    summary:
      `${pulled.length} ${other} orders, ${ratio} times as large as what executed on the ` +
      `${side} side, were withdrawn within ${WITHDRAWN_WITHIN_MS / 1_000} s of it`,
    figures: {
      withdrawn_orders: pulled.length,
      withdrawn_qty: formatDecimal(sum(pulled.map(({ qty }) => qty)), QTY_SCALE),
      executions: executed.length,
      executed_qty: formatDecimal(sum(executed.map(({ qty }) => qty)), QTY_SCALE),
      ratio: ratio.toFixed(2),
    },
    evidence: [
      ...executed.map((fill) => fillEvidence(accountId, fill)),
      ...pulled.map((order) => orderEvidence(accountId, order)),
    ],
  };
}

const fillEvidence = (accountId: string, fill: WatchedFill): Evidence => ({
  subject: 'execution',
  id: fill.executionId,
  accountId,
  at: fill.at,
  figures: {
    side: fill.side,
    price: formatDecimal(fill.price, PRICE_SCALE),
    qty: formatDecimal(fill.qty, QTY_SCALE),
    order_id: fill.orderId,
  },
});

export const orderEvidence = (accountId: string, order: WatchedOrder): Evidence => ({
  subject: 'order',
  id: order.id,
  accountId,
  at: order.createdAt,
  figures: {
    side: order.side,
    qty: formatDecimal(order.qty, QTY_SCALE),
    filled_qty: formatDecimal(order.filledQty, QTY_SCALE),
    limit_price: order.limitPrice === null ? null : formatDecimal(order.limitPrice, PRICE_SCALE),
    withdrawn_at: order.isWithdrawn ? order.closedAt!.toISOString() : null,
  },
});
