import Router from '@koa/router';
import type { Context } from 'koa';
import { actorOf } from '../audit/record.js';
import type { Guards } from '../http/guards.js';
import { replayable, type AfterCommit } from '../http/idempotency.js';
import { nextToken } from '../http/page.js';
import { requireAccount, requireScope, requireSession } from '../http/require-role.js';
import { requireStepUp } from '../http/step-up.js';
import { validateBody, validateParams, validateQuery } from '../http/validate.js';
import { listDeliveries, listEndpoints, type Delivery } from './model.js';
import { presentDelivery, presentEndpoint } from './presenter.js';
import { queueTest, redrive, replay } from './resend.js';
import {
  deliveryParamsSchema,
  endpointChangeSchema,
  endpointIdSchema,
  listDeliveriesSchema,
  newEndpointSchema,
  replaySchema,
  type EndpointChangeBody,
  type ListDeliveriesQuery,
  type NewEndpointBody,
} from './schema.js';
import {
  changeEndpoint,
  createEndpoint,
  readEndpoint,
  removeEndpoint,
  rotateSecret,
  type Caller,
  type WebhooksDeps,
} from './service.js';

export interface WebhookRoutesDeps extends Guards, WebhooksDeps {
  /** Told that there is a mail. Must neither wait nor throw. */
  readonly nudgeNotifications: () => void;
  /** Told that there may be something for these endpoints. Must neither wait nor throw. */
  readonly nudgeWebhooks: (endpointIds: readonly string[]) => void;
}

/** Where the events of the caller's account are posted to. */
export function webhooksRouter(deps: WebhookRoutesDeps): Router {
  const { knex, authenticated, limitRate, nudgeNotifications, nudgeWebhooks } = deps;
  const router = new Router();
  const read = [authenticated, limitRate, requireScope('read'), requireAccount] as const;
  const trade = [authenticated, limitRate, requireScope('trade'), requireAccount] as const;
  const person = [authenticated, limitRate, requireSession, requireAccount] as const;
  const steppedUp = [authenticated, limitRate, requireAccount, requireStepUp(knex)] as const;
  const id = validateParams(endpointIdSchema);

  router.post('/v2/webhooks', ...steppedUp, validateBody(newEndpointSchema), async (ctx) => {
    const wanted = ctx.request.validBody as NewEndpointBody;
    const { endpoint, secret } = await createEndpoint(deps, callerOf(ctx), wanted);
    nudgeNotifications();
    ctx.status = 201;
    ctx.body = { ...presentEndpoint(endpoint), secret };
  });

  router.get('/v2/webhooks', ...read, async (ctx) => {
    const own = await listEndpoints(knex, ctx.state.accountId);
    ctx.body = { webhooks: own.map(presentEndpoint) };
  });

  router.get('/v2/webhooks/:id', ...read, id, async (ctx) => {
    ctx.body = presentEndpoint(await readEndpoint(knex, callerOf(ctx), idOf(ctx)));
  });

  const change = validateBody(endpointChangeSchema);
  router.patch('/v2/webhooks/:id', ...steppedUp, id, change, async (ctx) => {
    const changes = ctx.request.validBody as EndpointChangeBody;
    const endpoint = await changeEndpoint(deps, callerOf(ctx), idOf(ctx), changes);
    nudgeWebhooks([endpoint.id]);
    ctx.body = presentEndpoint(endpoint);
  });

  router.delete('/v2/webhooks/:id', ...person, id, async (ctx) => {
    await removeEndpoint(deps, callerOf(ctx), idOf(ctx));
    ctx.status = 204;
  });

  router.post('/v2/webhooks/:id/rotate', ...steppedUp, id, async (ctx) => {
    const { endpoint, secret } = await rotateSecret(deps, callerOf(ctx), idOf(ctx));
    ctx.body = { ...presentEndpoint(endpoint), secret };
  });

  router.get(
    '/v2/webhooks/:id/deliveries',
    ...read,
    id,
    validateQuery(listDeliveriesSchema),
    async (ctx) => {
      const { status, limit, page_token: before } = ctx.state.query as ListDeliveriesQuery;
      const { id: endpointId } = await readEndpoint(knex, callerOf(ctx), idOf(ctx));
      const page = await listDeliveries(knex, endpointId, { status, before, limit });
      ctx.body = {
        deliveries: page.map(presentDelivery),
        next_page_token: nextToken(page, { limit }),
      };
    },
  );

  const answerQueued = (ctx: Context, delivery: Delivery, afterCommit: AfterCommit): void => {
    afterCommit(() => nudgeWebhooks([delivery.endpointId]));
    ctx.status = 202;
    ctx.body = presentDelivery(delivery);
  };
  const test = replayable(knex, async (ctx, trx, afterCommit) => {
    answerQueued(ctx, await queueTest(trx, callerOf(ctx), idOf(ctx)), afterCommit);
  });
  router.post('/v2/webhooks/:id/test', ...trade, id, test);

  const sendAgain = replayable(knex, async (ctx, trx, afterCommit) => {
    const { event_id: eventId } = ctx.state.params as { event_id: string };
    const delivery = await redrive(trx, callerOf(ctx), idOf(ctx), BigInt(eventId));
    answerQueued(ctx, delivery, afterCommit);
  });
  router.post(
    '/v2/webhooks/:id/deliveries/:event_id/redrive',
    ...trade,
    validateParams(deliveryParamsSchema),
    sendAgain,
  );

  router.post(
    '/v2/webhooks/:id/replay',
    ...trade,
    id,
    validateBody(replaySchema),
    replayable(knex, async (ctx, trx, afterCommit) => {
      const { from_event_id: from } = ctx.request.validBody as { from_event_id: number };
      const endpoint = await replay(trx, callerOf(ctx), idOf(ctx), BigInt(from));
      afterCommit(() => nudgeWebhooks([endpoint.id]));
      ctx.body = presentEndpoint(endpoint);
    }),
  );

  return router;
}

const idOf = (ctx: Context): string => (ctx.state.params as { id: string }).id;

const callerOf = (ctx: Context): Caller => ({
  clientId: ctx.state.principal.clientId,
  accountId: ctx.state.accountId,
  by: actorOf(ctx),
});
