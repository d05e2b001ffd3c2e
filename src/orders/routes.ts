import { createHash } from 'node:crypto';
import Router from '@koa/router';
import type { Context } from 'koa';
import type { Database } from '../db.js';
import { invalid, notFound } from '../errors.js';
import type { Middleware } from '../http/context.js';
import { problemBody, toProblem } from '../http/problem.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { validateBody, validateParams, validateQuery } from '../http/validate.js';
import type { Intake, PlaceOrder } from './intake.js';
import { findOrder, findOrderByClientId, listOrders, type OrderView } from './model.js';
import { presentOrder } from './presenter.js';
import {
  byClientOrderIdSchema,
  listOrdersSchema,
  orderIdSchema,
  orderQuerySchema,
  placeOrderSchema,
  type ListOrdersQuery,
  type PlaceOrderBody,
} from './schema.js';

export interface OrderRoutesDeps {
  db: Database;
  intake: Intake;
  /** Lets a caller with valid credentials pass. */
  authenticated: Middleware;
  limitRate: Middleware;
}

const KEY_MAX = 255;

/** Orders, in the wire format of Alpaca's Trading API. */
export function ordersRouter({ db, intake, authenticated, limitRate }: OrderRoutesDeps): Router {
  const router = new Router();
  const read = [authenticated, limitRate, requireScope('read'), requireAccount] as const;
  const trade = [authenticated, limitRate, requireScope('trade'), requireAccount] as const;
  const { knex } = db;

  router.post('/v2/orders', ...trade, validateBody(placeOrderSchema), async (ctx) => {
    const { order, replayed } = await intake.place(orderRequest(ctx));
    ctx.state.orderId = order.id;
    if (replayed) ctx.set('Idempotent-Replayed', 'true');
    answerOrder(ctx, order); // accepted and durable; matched by a worker a moment later
  });

  router.get('/v2/orders', ...read, validateQuery(listOrdersSchema), async (ctx) => {
    const query = ctx.state.query as ListOrdersQuery;
    const orders = await listOrders(knex, ctx.state.accountId, {
      ...query,
      symbols: query.symbols?.split(',').map((symbol) => symbol.trim()),
      cursor: query.after_order_id ?? query.before_order_id,
      cursorIsLower: query.after_order_id !== undefined,
    });
    ctx.body = orders.map(presentOrder);
  });

  router.get(
    '/v2/orders\\:by_client_order_id',
    ...read,
    validateQuery(byClientOrderIdSchema),
    async (ctx) => {
      const { client_order_id: id } = ctx.state.query as { client_order_id: string };
      answerOrder(ctx, await findOrderByClientId(knex, ctx.state.accountId, id));
    },
  );

  router.get(
    '/v2/orders/:id',
    ...read,
    validateParams(orderIdSchema),
    validateQuery(orderQuerySchema),
    async (ctx) => {
      const { id } = ctx.state.params as { id: string };
      answerOrder(ctx, await findOrder(knex, ctx.state.accountId, id));
    },
  );

  router.delete('/v2/orders/:id', ...trade, validateParams(orderIdSchema), async (ctx) => {
    const { id } = ctx.state.params as { id: string };
    ctx.state.orderId = id;
    await intake.cancel(ctx.state.accountId, id);
    ctx.status = 204;
  });

  router.delete('/v2/orders', ...trade, async (ctx) => {
    const outcomes = await intake.cancelAll(ctx.state.accountId);
    ctx.status = 207;
    ctx.body = outcomes.map(({ order, refusal }) => {
      if (!refusal) return { id: order.id, status: 200, body: presentOrder(order) };
      const problem = toProblem(refusal);
      const body = problemBody(problem, ctx.path, ctx.state.requestId);
      return { id: order.id, status: problem.status, body };
    });
  });

  return router;
}

function answerOrder(ctx: Context, order: OrderView | undefined): void {
  if (!order) throw notFound('order');
  ctx.set('ETag', `"${order.version}"`);
  ctx.body = presentOrder(order);
}

function orderRequest(ctx: Context): PlaceOrder {
  const body = ctx.request.validBody as PlaceOrderBody;
  return {
    accountId: ctx.state.accountId,
    symbol: body.symbol,
    side: body.side,
    type: body.type,
    timeInForce: body.time_in_force,
    qty: body.qty,
    limitPrice: body.limit_price,
    extendedHours: body.extended_hours,
    clientOrderId: body.client_order_id,
    idempotency: idempotencyOf(ctx),
  };
}

/** @throws DomainError 422 for a key that is empty or too long */
function idempotencyOf(ctx: Context): PlaceOrder['idempotency'] {
  const key = ctx.req.headers['idempotency-key'];
  if (typeof key !== 'string') return null;
  if (key.length < 1 || key.length > KEY_MAX) {
    throw invalid(`Idempotency-Key must have 1 to ${KEY_MAX} characters; it has ${key.length}`);
  }
  return { key, requestHash: createHash('sha256').update(ctx.request.rawBody).digest() };
}
