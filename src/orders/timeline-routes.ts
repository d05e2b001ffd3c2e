import Router from '@koa/router';
import Joi from 'joi';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { forbidden, notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { answerSchema, timeText, uuidText, type Operation } from '../http/operation.js';
import { requireScope } from '../http/require-role.js';
import { validateParams } from '../http/validate.js';
import { orderIdSchema } from './schema.js';
import { findTimeline, presentTimeline } from './timeline.js';

export interface TimelineRoutesDeps extends Guards {
  readonly knex: Knex;
}

/** Where an order has been, and how long it took. */
export function timelineRouter({ knex, authenticated, limitRate }: TimelineRoutesDeps): Router {
  const router = new Router();

  router.get(
    '/v2/orders/:id/timeline',
    authenticated,
    limitRate,
    requireScope('read'),
    validateParams(orderIdSchema),
    async (ctx) => {
      const { id } = ctx.state.params as { id: string };
      ctx.state.orderId = id;
      const timeline = await findTimeline(knex, id, accountOf(ctx));
      if (!timeline) throw notFound('order');
      ctx.body = presentTimeline(timeline, isOperator(ctx));
    },
  );

  return router;
}

/** Those who may open Bull Board; a key must have been made for such work. */
const isOperator = ({ state: { principal } }: Context): boolean =>
  (principal.role === 'ops' || principal.role === 'admin') && principal.scopes.includes('admin');

/** Operators may look at anybody's orders (null), everybody else at their own. */
function accountOf(ctx: Context): string | null {
  if (isOperator(ctx)) return null;
  const { accountId } = ctx.state.principal;
  if (accountId === null) throw forbidden('This credential has no trading account');
  return accountId;
}

const optionalTime = timeText.allow(null).description('null: not yet, or not at all');

const stageMembers = {
  stage: Joi.string().valid('accepted', 'queued', 'picked_up', 'executed', 'settled', 'notified'),
  at: optionalTime,
  duration_ms: Joi.number().integer().allow(null).description('Since the stage before'),
};

const jobSchema = answerSchema('TimelineJob', { queue: Joi.string(), id: Joi.string() }).keys({
  bull_board_url: Joi.string().description('For ops and admins'),
});

const stageSchema = answerSchema('TimelineStage', stageMembers).keys({
  queue: Joi.string().description('Of `queued`'),
  worker: Joi.string().allow(null).description('Of `picked_up`'),
  attempt: Joi.number().integer().allow(null).description('Of `picked_up`'),
  jobs: Joi.array().items(jobSchema).description('Of `picked_up`'),
});

const timelineSchema = answerSchema('OrderTimeline', {
  order_id: uuidText,
  status: Joi.string(),
  stages: Joi.array().items(stageSchema).description('Up to its first execution'),
  passes: Joi.array()
    .items(
      answerSchema('TimelinePass', {
        id: uuidText,
        items: Joi.number().integer().description('Work items settled together'),
        stages: Joi.array().items(stageSchema),
      }),
    )
    .description('The first and, when it is another, the last execution that changed it'),
});

export const timelineOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/orders/:id/timeline',
    tag: 'Orders',
    access: 'read',
    account: true,
    seesAll: ['ops', 'admin'],
    summary: 'Where an order has been, and how long it took',
    description:
      'Executions are known for 30 days. Ops and admins may look at any order, and are told where ' +
      'Bull Board shows its jobs.',
    params: orderIdSchema,
    responses: { 200: { description: 'Its stages', schema: timelineSchema } },
    problems: [404],
  },
];
