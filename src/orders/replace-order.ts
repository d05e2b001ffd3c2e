import type { TradableAsset } from '../assets/catalog.js';
import { formatDecimal, holdFor, QTY_SCALE } from '../domain/money.js';
import { checkOrder, type OrderLimits } from '../domain/order-rules.js';
import type { OrderFault } from '../domain/price-rules.js';
import { DomainError, invalid } from '../errors.js';
import { newId } from '../ids.js';
import type { TargetRow } from './intake-store.js';
import type { OrderView, TimeInForce } from './model.js';
import { boundOf } from './new-order.js';
import { isClosed } from './working-order.js';

/** What a client wants to be different; null: as it is. */
export interface OrderChanges {
  /** The whole quantity, what is filled already included. In 10^-9 units. */
  qty: bigint | null;
  timeInForce: TimeInForce | null;
  limitPrice: bigint | null;
  stopPrice: bigint | null;
  /** In 10^-4 USD or in 10^-4 percent, as the order trails. */
  trail: bigint | null;
  clientOrderId: string | null;
}

/** A replacement before it is decided: `qty`, `hold` and the times are set then. */
export interface Successor {
  order: OrderView;
  /** Null: as before. */
  totalQty: bigint | null;
}

/** Checks that the changes fit the order and its asset. @returns the first rule they break, or null */
export function checkChanges(
  old: OrderView,
  changes: OrderChanges,
  asset: TradableAsset,
  limits: OrderLimits,
): OrderFault | null {
  const fault = (field: string, message: string): OrderFault => ({
    message: `${field} ${message}`,
    details: { field },
  });
  if (old.notional !== null)
    return fault('notional', 'orders cannot be replaced: cancel it instead');
  if (changes.qty !== null && old.groupId !== null) {
    return fault('qty', `cannot change in a ${old.orderClass}: cancel it instead`);
  }
  if (changes.timeInForce !== null && old.groupId !== null) {
    return fault('time_in_force', `cannot change in a ${old.orderClass}`);
  }
  if (changes.limitPrice !== null && old.limitPrice === null) {
    return fault('limit_price', `is not allowed for a ${old.type} order`);
  }
  if (changes.stopPrice !== null && old.stopPrice === null) {
    return fault('stop_price', `is not allowed for a ${old.type} order`);
  }
  if (changes.stopPrice !== null && old.triggeredAt !== null) {
    return fault('stop_price', 'cannot change any more: it was reached');
  }
  if (changes.trail !== null && old.type !== 'trailing_stop') {
    return fault('trail', `is not allowed for a ${old.type} order`);
  }
  const changed = applyChanges(old, changes);
  const simple = { orderClass: '', takeProfit: null, stopLoss: null } as const;
  return checkOrder({ ...changed, ...simple, qty: changes.qty ?? old.qty }, asset, limits);
}

/** The order that takes the place of `old`. */
export function buildSuccessor(
  old: OrderView,
  changes: OrderChanges,
  asset: TradableAsset,
  marketCollarBps: number,
): Successor {
  const id = newId();
  const order: OrderView = {
    ...applyChanges(old, changes),
    id,
    clientOrderId: changes.clientOrderId ?? id,
    replaces: old.id,
    status: 'accepted',
    filledQty: 0n,
    filledValue: 0n,
    fees: 0n,
    hold: 0n,
    reason: null,
    version: 1,
    closedAt: null,
    replacedBy: null,
    hwm: null,
    pending: null,
  };
  const bound = boundOf(order, asset, { marketCollarBps, bestOpposite: null });
  // A buyer's first leg holds for both: for what it held, or for more.
  const shares = old.leg === 'take_profit' && old.side === 'buy' && old.boundPrice > bound;
  order.boundPrice = shares ? old.boundPrice : bound;
  return { order, totalQty: changes.qty };
}

function applyChanges(old: OrderView, changes: OrderChanges): OrderView {
  const { trail } = changes;
  return {
    ...old,
    timeInForce: changes.timeInForce ?? old.timeInForce,
    limitPrice: changes.limitPrice ?? old.limitPrice,
    stopPrice: changes.stopPrice ?? old.stopPrice,
    trailPrice: old.trailPrice !== null && trail !== null ? trail : old.trailPrice,
    trailPercent: old.trailPercent !== null && trail !== null ? Number(trail) : old.trailPercent,
  };
}

/**
 * What a replacement holds until it is decided, on top of what the old order holds: enough whatever
 * fills of the old one come first. What is needed less what is freed changes evenly with each fill, so
 * the most is at one of the ends: nothing filled meanwhile, or all of it.
 */
export function additionalHold(
  old: Pick<OrderView, 'qty' | 'filledQty' | 'hold'> & { status: string },
  order: Pick<OrderView, 'side' | 'qty' | 'boundPrice' | 'feeBps'>,
): bigint {
  if (old.hold === 0n) return 0n; // its group holds for it
  if (old.status === 'held' && order.side === 'sell') return 0n; // its entry brings the shares
  const oldRest = old.qty - old.filledQty;
  const held = (qty: bigint): bigint =>
    order.side === 'buy' ? holdFor(order.boundPrice, qty, order.feeBps) : qty;
  const atOnce = held(order.qty) - old.hold;
  const atLast = order.qty > oldRest ? held(order.qty - oldRest) : 0n;
  const most = atOnce > atLast ? atOnce : atLast;
  if (most <= 0n) return 0n;
  return order.side === 'buy' ? most + 1n : most; // each hold is rounded up for itself
}

/**
 * Why an order cannot be replaced now, or null. One that has yet to take the place of another holds only
 * what that one does not hold, so nobody can tell what its own replacement needs; Alpaca refuses to
 * replace orders in this state, too.
 */
export function refuseReplacement(old: TargetRow, ifVersion: number | null): DomainError | null {
  const { status: order_status, version } = old;
  if (isClosed(order_status))
    return invalid(`order is not replaceable: it is ${order_status}`, { order_status });
  if (ifVersion !== null && ifVersion !== version) {
    const message = `the order is at version ${version}, not ${ifVersion}: read it again`;
    return new DomainError('conflict', 40910000, message, { version, order_status });
  }
  if (old.cancelPending)
    return invalid('order is not replaceable: it is being cancelled', { order_status });
  if (old.replacePending)
    return invalid('order is not replaceable: another replacement is under way', { order_status });
  if (old.isAtVenue) {
    const message = 'order is not replaceable: it is at the external venue; cancel it instead';
    return invalid(message, { order_status });
  }
  if (!old.isToReplace) return null;
  const message = 'order is not replaceable: it has yet to take the place of another';
  return invalid(message, { order_status });
}

/** The new quantity counts in what is filled, so it must be more. */
export function refuseFilled(filled: bigint, total: bigint): DomainError {
  const [filledQty, value] = [filled, total].map((qty) => formatDecimal(qty, QTY_SCALE));
  return invalid(
    `qty ${value} must be more than the ${filledQty} that are filled: it counts them in`,
    {
      field: 'qty',
      value,
      filled_qty: filledQty,
    },
  );
}
