import Router from '@koa/router';
import type { Knex } from 'knex';
import { notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { findPosition, findValuedAccount, listPositions } from './model.js';
import { presentAccount, presentPosition } from './presenter.js';

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

  router.get('/v2/positions/:symbol_or_asset_id', ...owner, async (ctx) => {
    ctx.body = await position(ctx.state.accountId, ctx.params['symbol_or_asset_id']!);
  });

  router.get('/v2/positions/:base/:quote', ...owner, async (ctx) => {
    const { base, quote } = ctx.params;
    ctx.body = await position(ctx.state.accountId, `${base!}/${quote!}`);
  });

  return router;
}
