import { averagePrice, formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { NotificationEvent, OrderData } from './events.js';

/** Facts about one order that are told together. Quantities in 10^-9 units, money in 10^-4 USD. */
export interface OrderFacts {
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly type: string;
  readonly qty: bigint | null;
  readonly notional: bigint | null;
  readonly limitPrice: bigint | null;
  readonly stopPrice: bigint | null;
  /** After the last of the facts. */
  readonly status: string;
  readonly reason: string | null;
  /** Of these facts. */
  readonly executions: number;
  readonly executedQty: bigint;
  readonly value: bigint;
  readonly fees: bigint;
  /** Of the order so far. */
  readonly filledQty: bigint;
}

type OrderEvent = Extract<NotificationEvent, `order.${string}`>;

export interface OrderTold {
  readonly event: OrderEvent;
  readonly data: OrderData;
}

const ENDS: Readonly<Record<string, OrderEvent>> = {
  filled: 'order.filled',
  rejected: 'order.rejected',
  canceled: 'order.canceled',
  expired: 'order.expired',
};

/** What facts come to: the order's end, else its executions, else that it was taken. */
export const eventOf = ({ status, executions }: Pick<OrderFacts, 'status' | 'executions'>) =>
  ENDS[status] ?? (executions > 0 ? 'order.partially_filled' : 'order.accepted');

const price = (units: bigint | null): string | null =>
  units === null ? null : formatDecimal(units, PRICE_SCALE);

/** The message about them. */
export const orderMessage = (facts: OrderFacts): OrderTold => ({
  event: eventOf(facts),
  data: {
    order_id: facts.orderId,
    client_order_id: facts.clientOrderId,
    symbol: facts.symbol,
    side: facts.side,
    type: facts.type,
    qty: facts.qty === null ? null : formatDecimal(facts.qty, QTY_SCALE),
    notional: price(facts.notional),
    limit_price: price(facts.limitPrice),
    stop_price: price(facts.stopPrice),
    status: facts.status,
    reason: facts.reason,
    executions: facts.executions,
    executed_qty: formatDecimal(facts.executedQty, QTY_SCALE),
    average_price: facts.executedQty === 0n ? null : averagePrice(facts.value, facts.executedQty),
    value: formatDecimal(facts.value, PRICE_SCALE),
    fees: formatDecimal(facts.fees, PRICE_SCALE),
    filled_qty: formatDecimal(facts.filledQty, QTY_SCALE),
  },
});
