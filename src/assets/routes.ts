import Router from '@koa/router';
import type { Knex } from 'knex';
import { notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { requireScope } from '../http/require-role.js';
import { validateQuery } from '../http/validate.js';
import { type AssetFilter, findAsset, listAssets } from './model.js';
import { presentAsset } from './presenter.js';
import { listAssetsSchema } from './schema.js';

export interface AssetRoutesDeps extends Guards {
  readonly knex: Knex;
}

/** What can be traded. */
export function assetsRouter({ knex, authenticated, limitRate }: AssetRoutesDeps): Router {
  const router = new Router();
  const reader = [authenticated, limitRate, requireScope('read')] as const;

  const asset = async (name: string) => {
    const found = await findAsset(knex, name);
    if (!found) throw notFound(`asset ${name}`);
    return presentAsset(found);
  };

  router.get('/v2/assets', ...reader, validateQuery(listAssetsSchema), async (ctx) => {
    const assets = await listAssets(knex, ctx.state.query as AssetFilter);
    ctx.body = assets.map(presentAsset);
  });

  router.get('/v2/assets/:symbol_or_id', ...reader, async (ctx) => {
    ctx.body = await asset(ctx.params['symbol_or_id']!);
  });

  router.get('/v2/assets/:base/:quote', ...reader, async (ctx) => {
    const { base, quote } = ctx.params;
    ctx.body = await asset(`${base!}/${quote!}`);
  });

  return router;
}
