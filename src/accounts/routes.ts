import Router from '@koa/router';
import type { Knex } from 'knex';
import { pairParamsSchema } from '../assets/schema.js';
import { notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { validateParams } from '../http/validate.js';
import { findPosition, findValuedAccount, listPositions } from './model.js';
import { presentAccount, presentPosition } from './presenter.js';
import { positionParamsSchema } from './schema.js';

export interface AccountRoutesDeps extends Guards {
  readonly knex: Knex;
}

/** The caller's account and positions. */
export function accountsRouter({ knex, authenticated, limitRate }: AccountRoutesDeps): Router {
  const router = new Router();
  const owner = [authenticated, limitRate, requireScope('read'), requireAccount] as const;

  const position = async (accountId: string, name: string) => {
    const found = await findPosition(knex, accountId, name);
    if (!found) throw notFound(`position in ${name}`);
    return presentPosition(found);
  };

  router.get('/v2/account', ...owner, async (ctx) => {
    const account = await findValuedAccount(knex, ctx.state.accountId);
    if (!account) throw notFound('account');
    ctx.body = presentAccount(account);
  });

  router.get('/v2/positions', ...owner, async (ctx) => {
    const positions = await listPositions(knex, ctx.state.accountId);
    ctx.body = positions.map(presentPosition);
  });

  router.get(
    '/v2/positions/:symbol_or_asset_id',
    ...owner,
    validateParams(positionParamsSchema),
    async (ctx) => {
      const { symbol_or_asset_id: name } = ctx.state.params as { symbol_or_asset_id: string };
      ctx.body = await position(ctx.state.accountId, name);
    },
  );

  router.get(
    '/v2/positions/:base/:quote',
    ...owner,
    validateParams(pairParamsSchema),
    async (ctx) => {
      const { base, quote } = ctx.state.params as { base: string; quote: string };
      ctx.body = await position(ctx.state.accountId, `${base}/${quote}`);
    },
  );

  return router;
}
