import Router from '@koa/router';
import type { Knex } from 'knex';
import type { Guards } from '../http/guards.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { validateBody } from '../http/validate.js';
import { changeConfigurations, readConfigurations, type Configurations } from './model.js';
import { changeConfigurationsSchema } from './schema.js';

export interface ConfigurationRoutesDeps extends Guards {
  readonly knex: Knex;
}

/** What a client chooses for an account. */
export function configurationsRouter(deps: ConfigurationRoutesDeps): Router {
  const { knex, authenticated, limitRate } = deps;
  const router = new Router();
  const path = '/v2/account/configurations';

  router.get(path, authenticated, limitRate, requireScope('read'), requireAccount, async (ctx) => {
    ctx.body = await readConfigurations(knex, ctx.state.accountId);
  });

  router.patch(
    path,
    authenticated,
    limitRate,
    requireScope('trade'),
    requireAccount,
    validateBody(changeConfigurationsSchema),
    async (ctx) => {
      const changes = ctx.request.validBody as Partial<Configurations>;
      ctx.body = await changeConfigurations(knex, ctx.state.accountId, changes);
    },
  );

  return router;
}
