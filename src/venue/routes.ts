import Router from '@koa/router';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { staffOnly } from '../admin/staff.js';
import { actorOf } from '../audit/record.js';
import { notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { replayable } from '../http/idempotency.js';
import { nextToken } from '../http/page.js';
import { validateBody, validateParams, validateQuery } from '../http/validate.js';
import { reasonSchema } from '../risk/schema.js';
import { findAssetTarget } from '../risk/targets.js';
import { findRouting, setRouting, type AssetRouting } from './asset-routing.js';
import { closeRoute } from './close-route.js';
import { presentRoute, presentRouting } from './presenter.js';
import { resolveDispute } from './resolve-dispute.js';
import { listRoutes, type RouteFilter } from './route-model.js';
import {
  listRoutesSchema,
  routeIdSchema,
  routingSymbolSchema,
  setRoutingSchema,
  type SetRoutingBody,
} from './schema.js';

export interface VenueRoutesDeps extends Guards {
  readonly knex: Knex;
  /** Told which shards have new work. Must neither wait nor throw. */
  readonly nudge: (shards: readonly number[]) => void;
  readonly now: () => Date;
}

/** What staff see of the external venue, and decide about it. */
export function venueRouter({ knex, nudge, now, ...guards }: VenueRoutesDeps): Router {
  const router = new Router();
  const reader = staffOnly(guards, 'ops', 'compliance', 'admin');
  const operator = staffOnly(guards, 'ops', 'admin');
  const routingPath = '/v2/admin/assets/:symbol/routing';
  const symbolParams = validateParams(routingSymbolSchema);

  router.get('/v2/admin/venue/routes', ...reader, validateQuery(listRoutesSchema), async (ctx) => {
    const query = ctx.state.query as RouteFilter;
    const routes = await listRoutes(knex, query);
    ctx.body = { routes: routes.map(presentRoute), next_page_token: nextToken(routes, query) };
  });

  router.post(
    '/v2/admin/venue/routes/:id/close',
    ...operator,
    validateParams(routeIdSchema),
    validateBody(reasonSchema),
    replayable(knex, async (ctx, trx, afterCommit) => {
      const { id } = ctx.state.params as { id: string };
      const { reason } = ctx.request.validBody as { reason: string };
      const route = await closeRoute(trx, id, { by: actorOf(ctx), reason }, now());
      ctx.body = presentRoute(route);
      afterCommit(() => nudge([route.shard]));
    }),
  );

  router.post(
    '/v2/admin/venue/routes/:id/resolve',
    ...operator,
    validateParams(routeIdSchema),
    validateBody(reasonSchema),
    replayable(knex, async (ctx, trx) => {
      const { id } = ctx.state.params as { id: string };
      const { reason } = ctx.request.validBody as { reason: string };
      ctx.body = presentRoute(await resolveDispute(trx, id, { by: actorOf(ctx), reason }));
    }),
  );

  router.get(routingPath, ...reader, symbolParams, async (ctx) => {
    ctx.body = presentRouting(await readRouting(ctx, knex));
  });

  router.put(
    routingPath,
    ...operator,
    symbolParams,
    validateBody(setRoutingSchema),
    replayable(knex, async (ctx, trx) => {
      const { routing, reason } = ctx.request.validBody as SetRoutingBody;
      const asset = await readRouting(ctx, trx);
      ctx.body = presentRouting(
        await setRouting(trx, asset, routing, { by: actorOf(ctx), reason }),
      );
    }),
  );
  return router;
}

async function readRouting(ctx: Context, knex: Knex): Promise<AssetRouting> {
  const { symbol } = ctx.state.params as { symbol: string };
  const target = await findAssetTarget(knex, symbol);
  const routing = target && (await findRouting(knex, target.asset_id!));
  if (!routing) throw notFound(`asset ${symbol}`);
  return routing;
}
