import Router from '@koa/router';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { findAsset } from '../assets/model.js';
import { notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { requireScope } from '../http/require-role.js';
import { validateParams } from '../http/validate.js';
import { presentBands } from './band-presenter.js';
import { readBandsOf } from './band-store.js';
import { pairParamsSchema } from './book-schema.js';
import { symbolParamsSchema } from './market-data-schema.js';

export interface BandRoutesDeps extends Guards {
  readonly knex: Knex;
}

/** They are looked after once a second. */
const CACHED = { name: 'bands', audience: 'everyone', ttlMs: 500 } as const;

/** Between which prices an asset may trade at this moment. */
export function bandRouter({ knex, authenticated, limitRate, cached }: BandRoutesDeps): Router {
  const router = new Router();
  const reader = [authenticated, limitRate, requireScope('read'), cached(CACHED)] as const;

  const answer = async (ctx: Context, name: string): Promise<void> => {
    const asset = await findAsset(knex, name);
    if (!asset) throw notFound(`asset ${name}`);
    const { bandBps, state } = await readBandsOf(knex, asset.id);
    ctx.body = presentBands(asset.symbol, bandBps, state);
  };

  router.get('/v2/markets/:symbol/bands', ...reader, validateParams(symbolParamsSchema), (ctx) =>
    answer(ctx, (ctx.state.params as { symbol: string }).symbol),
  );

  router.get(
    '/v2/markets/:base/:quote/bands',
    ...reader,
    validateParams(pairParamsSchema),
    (ctx) => {
      const { base, quote } = ctx.state.params as { base: string; quote: string };
      return answer(ctx, `${base}/${quote}`);
    },
  );

  return router;
}
