import Router from '@koa/router';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { staffOnly } from '../admin/staff.js';
import { pairParamsSchema } from '../assets/schema.js';
import { notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { replayable, type ReplayableHandler } from '../http/idempotency.js';
import { validateBody, validateParams } from '../http/validate.js';
import { authorOf, recordChange } from './control-changes.js';
import { haltSymbolSchema, setBandSchema, type SetBandBody } from './schema.js';
import { findAssetTarget } from './targets.js';

export interface BandWidthRoutesDeps extends Guards {
  readonly knex: Knex;
}

/** How wide the price bands of assets are, and whether they have any. */
export function bandWidthRouter({ knex, ...guards }: BandWidthRoutesDeps): Router {
  const router = new Router();
  const officers = staffOnly(guards, 'compliance', 'admin');

  const set: ReplayableHandler = async (ctx, trx) => {
    const name = nameOf(ctx);
    const target = await findAssetTarget(trx, name);
    if (!target) throw notFound(`asset ${name}`);
    const { band_bps, reason } = ctx.request.validBody as SetBandBody;
    const id = target.asset_id!;
    const before = await trx('assets')
      .where({ id })
      .forNoKeyUpdate()
      .first<{ band_bps: number | null }>('band_bps');
    if (before.band_bps !== band_bps) {
      await trx('assets').where({ id }).update({ band_bps });
      const change = { action: 'price_band.set', target, before, after: { band_bps } } as const;
      await recordChange(trx, authorOf(ctx, reason), change);
    }
    ctx.body = { asset_id: id, symbol: target.symbol, band_bps };
  };

  for (const [path, params] of [
    ['/v2/admin/price_bands/:symbol', haltSymbolSchema],
    ['/v2/admin/price_bands/:base/:quote', pairParamsSchema],
  ] as const) {
    const put = replayable(knex, set);
    router.put(path, ...officers, validateParams(params), validateBody(setBandSchema), put);
  }
  return router;
}

function nameOf(ctx: Context): string {
  const params = ctx.state.params as { symbol: string } | { base: string; quote: string };
  return 'symbol' in params ? params.symbol : `${params.base}/${params.quote}`;
}
