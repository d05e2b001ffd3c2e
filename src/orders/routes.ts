import Router from '@koa/router';
import type { Context } from 'koa';
import { findAssets } from '../assets/model.js';
import type { Database } from '../db.js';
import { notFound } from '../errors.js';
import type { Middleware } from '../http/context.js';
import { ifMatch } from '../http/if-match.js';
import { problemBody, toProblem } from '../http/problem.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { validateBody, validateParams, validateQuery } from '../http/validate.js';
import type { Intake } from './intake.js';
import { findOrder, findOrderByClientId, listOrders, withLegs, type OrderView } from './model.js';
import { presentOrder } from './presenter.js';
import { orderChanges, orderFilter, orderRequest } from './requests.js';
import {
  byClientOrderIdSchema,
  listOrdersSchema,
  orderIdSchema,
  orderQuerySchema,
  placeOrderSchema,
  replaceOrderSchema,
  type ListOrdersQuery,
} from './schema.js';

export interface OrderRoutesDeps {
  db: Database;
  intake: Intake;
  /** Lets a caller with valid credentials pass. */
  authenticated: Middleware;
  limitRate: Middleware;
}

/** Orders, in the wire format of Alpaca's Trading API. */
export function ordersRouter({ db, intake, authenticated, limitRate }: OrderRoutesDeps): Router {
  const router = new Router();
  const read = [authenticated, limitRate, requireScope('read'), requireAccount] as const;
  const trade = [authenticated, limitRate, requireScope('trade'), requireAccount] as const;
  const { knex } = db;

  const answerFound = async (ctx: Context, order: OrderView | undefined): Promise<void> => {
    if (!order) throw notFound('order');
    const { nested } = ctx.state.query as { nested: boolean };
    const [whole = order] = nested ? await withLegs(knex, [order]) : [];
    answerOrder(ctx, whole);
  };

  router.post('/v2/orders', ...trade, validateBody(placeOrderSchema), async (ctx) => {
    const { order, replayed } = await intake.place(orderRequest(ctx));
    ctx.state.orderId = order.id;
    if (replayed) ctx.set('Idempotent-Replayed', 'true');
    answerOrder(ctx, order); // accepted and durable; matched by a worker a moment later
  });

  router.get('/v2/orders', ...read, validateQuery(listOrdersSchema), async (ctx) => {
    const query = ctx.state.query as ListOrdersQuery;
    const assets = query.symbols && (await findAssets(knex, query.symbols));
    const symbols = assets?.flatMap((asset) => asset?.symbol ?? []);
    const orders = await listOrders(knex, ctx.state.accountId, orderFilter(query, symbols));
    ctx.body = orders.map(presentOrder);
  });

  router.get(
    '/v2/orders\\:by_client_order_id',
    ...read,
    validateQuery(byClientOrderIdSchema),
    async (ctx) => {
      const { client_order_id: id } = ctx.state.query as { client_order_id: string };
      await answerFound(ctx, await findOrderByClientId(knex, ctx.state.accountId, id));
    },
  );

  router.get(
    '/v2/orders/:id',
    ...read,
    validateParams(orderIdSchema),
    validateQuery(orderQuerySchema),
    async (ctx) => {
      const { id } = ctx.state.params as { id: string };
      await answerFound(ctx, await findOrder(knex, ctx.state.accountId, id));
    },
  );

  router.patch(
    '/v2/orders/:id',
    ...trade,
    validateParams(orderIdSchema),
    validateBody(replaceOrderSchema),
    async (ctx) => {
      const { id } = ctx.state.params as { id: string };
      const changes = orderChanges(ctx, id);
      const order = await intake.replace(ctx.state.accountId, id, changes, ifMatch(ctx));
      ctx.state.orderId = order.id;
      answerOrder(ctx, order); // in the sequence; a fill of the old one may still come first
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

function answerOrder(ctx: Context, order: OrderView): void {
  ctx.set('ETag', `"${order.version}"`);
  ctx.body = presentOrder(order);
}
