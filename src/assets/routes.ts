import Router from '@koa/router';
import type { Knex } from 'knex';
import { notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { requireScope } from '../http/require-role.js';
import { validateParams, validateQuery } from '../http/validate.js';
import { type AssetFilter, findAsset, listAssets } from './model.js';
import { presentAsset } from './presenter.js';
import { assetParamsSchema, listAssetsSchema, pairParamsSchema } from './schema.js';

/** Nobody changes an asset through the API; what staff change is seen within about a second. */
const CACHED = { name: 'assets', audience: 'everyone', ttlMs: 1_000 } as const;

export interface AssetRoutesDeps extends Guards {
  readonly knex: Knex;
}

/** What can be traded. */
export function assetsRouter(deps: AssetRoutesDeps): Router {
  const { knex, authenticated, limitRate, cached } = deps;
  const router = new Router();
  const reader = [authenticated, limitRate, requireScope('read'), cached(CACHED)] as const;

  const asset = async (name: string) => {
    const found = await findAsset(knex, name);
    if (!found) throw notFound(`asset ${name}`);
    return presentAsset(found);
  };

  router.get('/v2/assets', ...reader, validateQuery(listAssetsSchema), async (ctx) => {
    const assets = await listAssets(knex, ctx.state.query as AssetFilter);
    ctx.body = assets.map(presentAsset);
  });

  router.get(
    '/v2/assets/:symbol_or_id',
    ...reader,
    validateParams(assetParamsSchema),
    async (ctx) => {
      const { symbol_or_id: name } = ctx.state.params as { symbol_or_id: string };
      ctx.body = await asset(name);
    },
  );

  router.get(
    '/v2/assets/:base/:quote',
    ...reader,
    validateParams(pairParamsSchema),
    async (ctx) => {
      const { base, quote } = ctx.state.params as { base: string; quote: string };
      ctx.body = await asset(`${base}/${quote}`);
    },
  );

  return router;
}
