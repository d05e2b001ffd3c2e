import Router from '@koa/router';
import type { Guards } from '../http/guards.js';
import { validateBody } from '../http/validate.js';
import { type LoginBody, loginSchema } from './schema.js';
import type { Sessions } from './sessions.js';
import { TOKEN_TTL_SECONDS } from './tokens.js';

export interface SessionRoutesDeps extends Pick<Guards, 'limitRate'> {
  readonly sessions: Sessions;
}

/** Logging in. */
export function sessionsRouter({ sessions, limitRate }: SessionRoutesDeps): Router {
  const router = new Router();

  // Takes no Idempotency-Key: a replay would mean to store the answer, which is a credential.
  router.post('/v2/sessions', limitRate, validateBody(loginSchema), async (ctx) => {
    const { email, password } = ctx.request.validBody as LoginBody;
    const principal = await sessions.login(email, password, ctx.ip);
    ctx.set('Cache-Control', 'no-store');
    ctx.body = {
      access_token: sessions.open(principal),
      token_type: 'Bearer',
      expires_in: TOKEN_TTL_SECONDS,
      refresh_token: null,
    };
  });

  return router;
}
