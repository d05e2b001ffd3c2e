import Router from '@koa/router';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { actorOf, recordAct } from '../audit/record.js';
import { notFound } from '../errors.js';
import type { Middleware } from '../http/context.js';
import type { Guards } from '../http/guards.js';
import { requireSession } from '../http/require-role.js';
import { validateBody, validateParams } from '../http/validate.js';
import type { Principal } from '../identity/principal.js';
import type { Sessions } from '../identity/sessions.js';
import { TOKEN_TTL_SECONDS } from '../identity/tokens.js';
import type { FactorAnswer, SecondFactors } from '../mfa/second-factors.js';
import { endSessions } from './end-sessions.js';
import type { Login } from './login.js';
import { Device, presentDevice, presentSession, Session } from './model.js';
import { refreshSession } from './refresh.js';
import {
  deviceIdSchema,
  loginChallengeSchema,
  loginSchema,
  refreshSchema,
  secondStepSchema,
  sessionIdSchema,
  stepUpChallengeSchema,
  stepUpSchema,
  type ChallengeMethod,
  type FactorBody,
  type LoginBody,
  type SecondStepBody,
} from './schema.js';
import { StepUp, type SteppingUp } from './step-up.js';

export interface SessionRoutesDeps extends Guards {
  readonly knex: Knex;
  readonly sessions: Sessions;
  readonly login: Login;
  readonly factors: SecondFactors;
  readonly now: () => Date;
}

const LISTED_MAX = 200;

const noStore: Middleware = (ctx, next) => {
  ctx.set('Cache-Control', 'no-store');
  return next();
};

/**
 * Logging in, going on, stepping up and logging out. The POSTs take no Idempotency-Key: a replay would
 * mean to store their answers, which are credentials.
 */
export function sessionsRouter(deps: SessionRoutesDeps): Router {
  const router = new Router();
  addLoginRoutes(router, deps);
  addOwnRoutes(router, deps);
  addStepUpRoutes(router, deps);
  return router;
}

function addLoginRoutes(router: Router, deps: SessionRoutesDeps): void {
  const { knex, sessions, login, limitRate, now } = deps;

  const answer = (
    ctx: Context,
    opened: { principal: Principal; refreshToken: string; deviceToken?: string | null },
  ): void => {
    ctx.body = {
      access_token: sessions.open(opened.principal),
      token_type: 'Bearer',
      expires_in: TOKEN_TTL_SECONDS,
      refresh_token: opened.refreshToken,
      session_id: opened.principal.credentialId,
      device_token: opened.deviceToken ?? null,
    };
  };

  router.post('/v2/sessions', limitRate, noStore, validateBody(loginSchema), async (ctx) => {
    const body = ctx.request.validBody as LoginBody;
    const request = {
      email: body.email,
      password: body.password,
      otp: body.otp ?? null,
      deviceToken: body.device_token ?? null,
      trustDevice: body.trust_device,
    };
    answer(ctx, await login.start(request, actorOf(ctx)));
  });

  router.post(
    '/v2/sessions/mfa/challenge',
    limitRate,
    noStore,
    validateBody(loginChallengeSchema),
    async (ctx) => {
      const { mfa_token: token, method } = ctx.request.validBody as {
        mfa_token: string;
        method: ChallengeMethod;
      };
      if (method === 'email') await login.sendCode(token, actorOf(ctx));
      const options = method === 'webauthn' ? await login.requestPasskey(token) : null;
      ctx.body = { method, options };
    },
  );

  router.post(
    '/v2/sessions/mfa',
    limitRate,
    noStore,
    validateBody(secondStepSchema),
    async (ctx) => {
      const body = ctx.request.validBody as SecondStepBody;
      const step = {
        mfaToken: body.mfa_token,
        answer: answerOf(body),
        trustDevice: body.trust_device,
      };
      answer(ctx, await login.finish(step, actorOf(ctx)));
    },
  );

  const receivedAt = new WeakMap<Context, Date>();
  const noteArrival: Middleware = (ctx, next) => {
    receivedAt.set(ctx, now());
    return next();
  };
  router.post(
    '/v2/sessions/refresh',
    noteArrival,
    limitRate,
    noStore,
    validateBody(refreshSchema),
    async (ctx) => {
      const { refresh_token: token } = ctx.request.validBody as { refresh_token: string };
      const request = { by: actorOf(ctx), receivedAt: receivedAt.get(ctx)!, now };
      answer(ctx, await refreshSession(knex, token, request));
    },
  );
}

function addOwnRoutes(
  router: Router,
  { knex, authenticated, limitRate, now }: SessionRoutesDeps,
): void {
  const person = [authenticated, limitRate, requireSession] as const;

  router.get('/v2/sessions', ...person, async (ctx) => {
    const { clientId, credentialId } = ctx.state.principal;
    const sessions = await Session.query(knex)
      .where({ client_id: clientId })
      .whereNull('ended_at')
      .where('expires_at', '>', now())
      .orderBy('created_at', 'desc')
      .limit(LISTED_MAX);
    ctx.body = { sessions: sessions.map((session) => presentSession(session, credentialId)) };
  });

  router.delete('/v2/sessions', ...person, async (ctx) => {
    const { clientId, credentialId } = ctx.state.principal;
    const by = actorOf(ctx);
    await knex.transaction((trx) =>
      endSessions(trx, clientId, { by, reason: 'revoked', now: now(), except: credentialId }),
    );
    ctx.status = 204;
  });

  router.delete('/v2/sessions/:id', ...person, validateParams(sessionIdSchema), async (ctx) => {
    const { clientId, credentialId } = ctx.state.principal;
    const { id } = ctx.state.params as { id: string };
    const only = id === 'current' ? credentialId : id;
    const session = await Session.query(knex).findOne({ id: only, client_id: clientId });
    if (!session) throw notFound('session');
    const reason = only === credentialId ? 'logged_out' : 'revoked';
    const ending = { by: actorOf(ctx), reason, now: now(), only } as const;
    await knex.transaction((trx) => endSessions(trx, clientId, ending));
    ctx.status = 204;
  });

  router.get('/v2/devices', ...person, async (ctx) => {
    const devices = await Device.query(knex)
      .where({ client_id: ctx.state.principal.clientId })
      .orderBy('last_seen_at', 'desc')
      .limit(LISTED_MAX);
    ctx.body = { devices: devices.map(presentDevice) };
  });

  router.delete('/v2/devices/:id', ...person, validateParams(deviceIdSchema), async (ctx) => {
    const { clientId } = ctx.state.principal;
    const { id } = ctx.state.params as { id: string };
    const by = actorOf(ctx);
    await knex.transaction(async (trx) => {
      const changed = await Device.query(trx)
        .where({ id, client_id: clientId })
        .patch({ tokenHash: null, trustedUntil: null });
      if (changed === 0) throw notFound('device');
      const subject = { client_id: clientId, device_id: id };
      await recordAct(trx, by, { action: 'device.removed', subject });
    });
    ctx.status = 204;
  });
}

function addStepUpRoutes(router: Router, deps: SessionRoutesDeps): void {
  const { authenticated, limitRate } = deps;
  const stepUp = new StepUp(deps);
  const person = [authenticated, limitRate, requireSession] as const;
  const who = (ctx: Context): SteppingUp => ({
    clientId: ctx.state.principal.clientId,
    sessionId: ctx.state.principal.credentialId,
    by: actorOf(ctx),
  });

  router.post(
    '/v2/sessions/step_up/challenge',
    ...person,
    validateBody(stepUpChallengeSchema),
    async (ctx) => {
      const { method } = ctx.request.validBody as { method: ChallengeMethod };
      if (method === 'email') await stepUp.sendCode(who(ctx));
      const options = method === 'webauthn' ? await stepUp.requestPasskey(who(ctx)) : null;
      ctx.body = { method, options };
    },
  );

  router.post('/v2/sessions/step_up', ...person, validateBody(stepUpSchema), async (ctx) => {
    const until = await stepUp.prove(who(ctx), answerOf(ctx.request.validBody as FactorBody));
    ctx.body = {
      session_id: ctx.state.principal.credentialId,
      stepped_up_until: until.toISOString(),
    };
  });
}

/** The schema has seen to it that there is one of the two. */
const answerOf = ({ otp, webauthn }: FactorBody): FactorAnswer =>
  webauthn ? { webauthn } : { otp: otp! };
