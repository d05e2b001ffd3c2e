import Router from '@koa/router';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { actorOf } from '../audit/record.js';
import type { Guards } from '../http/guards.js';
import { requireSession } from '../http/require-role.js';
import { requireStepUp } from '../http/step-up.js';
import { validateBody, validateParams } from '../http/validate.js';
import { changeLabel, findKey, listKeys, makeKey, presentKey, revokeKey } from './service.js';
import { changeKeySchema, keyIdSchema, newKeySchema, type NewKeyBody } from './schema.js';

export interface ApiKeyRoutesDeps extends Guards {
  readonly knex: Knex;
  readonly nudgeNotifications: () => void;
}

/** A person's keys for programs. */
export function apiKeysRouter(deps: ApiKeyRoutesDeps): Router {
  const { knex, authenticated, limitRate, nudgeNotifications } = deps;
  const router = new Router();
  const person = [authenticated, limitRate, requireSession] as const;
  const steppedUp = [authenticated, limitRate, requireStepUp(knex)] as const;
  const keyId = validateParams(keyIdSchema);

  router.post('/v2/api_keys', ...steppedUp, validateBody(newKeySchema), async (ctx) => {
    const { label, scopes, expires_at: expiresAt } = ctx.request.validBody as NewKeyBody;
    const wanted = { label, scopes, expiresAt };
    const { key, secret } = await makeKey(knex, ctx.state.principal, wanted, actorOf(ctx));
    nudgeNotifications();
    ctx.status = 201;
    ctx.body = { ...presentKey(key), secret_key: secret };
  });

  router.get('/v2/api_keys', ...person, async (ctx) => {
    const keys = await listKeys(knex, ctx.state.principal.clientId);
    ctx.body = { api_keys: keys.map(presentKey) };
  });

  router.get('/v2/api_keys/:key_id', ...person, keyId, async (ctx) => {
    ctx.body = presentKey(await findKey(knex, ...ownAndId(ctx)));
  });

  const change = validateBody(changeKeySchema);
  router.patch('/v2/api_keys/:key_id', ...person, keyId, change, async (ctx) => {
    const { label } = ctx.request.validBody as { label: string };
    ctx.body = presentKey(await changeLabel(knex, ...ownAndId(ctx), { label, by: actorOf(ctx) }));
  });

  router.delete('/v2/api_keys/:key_id', ...person, keyId, async (ctx) => {
    await revokeKey(knex, ...ownAndId(ctx), actorOf(ctx));
    ctx.status = 204;
  });

  return router;
}

const ownAndId = (ctx: Context): [clientId: string, keyId: string] => [
  ctx.state.principal.clientId,
  (ctx.state.params as { key_id: string }).key_id,
];
