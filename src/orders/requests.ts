import { createHash } from 'node:crypto';
import type { Context } from 'koa';
import { invalid } from '../errors.js';
import { idempotencyKey } from '../http/idempotency.js';
import type { PlaceOrder } from './new-order.js';
import type { OrderChanges } from './replace-order.js';
import type { OrderFilter } from './model.js';
import {
  INTENT_RULE,
  INTENTS,
  type ListOrdersQuery,
  type PlaceOrderBody,
  type ReplaceOrderBody,
} from './schema.js';

/** What clients send, in the terms of the intake. */

const percentOf = (units: bigint | null): number | null => (units === null ? null : Number(units));

/**
 * @throws DomainError 422 for an Idempotency-Key that is empty or too long, and for a position_intent
 *   of the other side
 */
export function orderRequest(ctx: Context): PlaceOrder {
  const body = ctx.request.validBody as PlaceOrderBody;
  checkIntent(body);
  const { stop_loss: stopLoss, take_profit: takeProfit, order_class: orderClass } = body;
  return {
    accountId: ctx.state.accountId,
    symbol: body.symbol,
    side: body.side,
    type: body.type,
    timeInForce: body.time_in_force,
    qty: body.qty,
    notional: body.notional,
    limitPrice: body.limit_price,
    stopPrice: body.stop_price,
    trailPrice: body.trail_price,
    trailPercent: percentOf(body.trail_percent),
    extendedHours: body.extended_hours ?? false,
    orderClass: orderClass === 'simple' || orderClass === null ? '' : orderClass,
    takeProfit: takeProfit && { limitPrice: takeProfit.limit_price },
    stopLoss: stopLoss && {
      stopPrice: stopLoss.stop_price,
      limitPrice: stopLoss.limit_price,
      trailPrice: stopLoss.trail_price,
      trailPercent: percentOf(stopLoss.trail_percent),
    },
    clientOrderId: body.client_order_id,
    idempotency: idempotencyOf(ctx),
  };
}

function checkIntent({ side, position_intent: intent }: PlaceOrderBody): void {
  if (intent === undefined || intent === INTENTS[side]) return;
  const message = `position_intent "${intent}" does not go with side ${side}: ${INTENT_RULE}`;
  throw invalid(message, { errors: [{ field: 'position_intent', message }] });
}

function idempotencyOf(ctx: Context): PlaceOrder['idempotency'] {
  const key = idempotencyKey(ctx);
  if (key === null) return null;
  return { key, requestHash: createHash('sha256').update(ctx.request.rawBody).digest() };
}

/** @throws DomainError 422 when the body names another order than the path */
export function orderChanges(ctx: Context, orderId: string): OrderChanges {
  const body = ctx.request.validBody as ReplaceOrderBody;
  if (body.id !== undefined && body.id !== orderId) {
    throw invalid(`id ${body.id} is not the order of the path`, { field: 'id', value: body.id });
  }
  return {
    qty: body.qty ?? null,
    timeInForce: body.time_in_force ?? null,
    limitPrice: body.limit_price ?? null,
    stopPrice: body.stop_price ?? null,
    trail: body.trail ?? null,
    clientOrderId: body.client_order_id ?? null,
  };
}

/** @param symbols the query's, as the assets are called that they name */
export function orderFilter(query: ListOrdersQuery, symbols?: readonly string[]): OrderFilter {
  const { asset_class: classes } = query;
  return {
    ...query,
    symbols,
    assetClasses: classes?.includes('all') ? undefined : classes,
    cursor: query.after_order_id ?? query.before_order_id,
    cursorIsLower: query.after_order_id !== undefined,
  };
}
