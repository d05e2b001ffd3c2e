import Router from '@koa/router';
import type { RegistrationResponseJSON } from '@simplewebauthn/server';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { actorOf } from '../audit/record.js';
import type { Guards } from '../http/guards.js';
import { requireSession } from '../http/require-role.js';
import { requireStepUp } from '../http/step-up.js';
import { validateBody, validateParams } from '../http/validate.js';
import { Enrolment, type AddedFactor, type EnrolmentDeps, type Owner } from './enrolment.js';
import { factorsOf, presentFactor } from './model.js';
import { countRecoveryCodes } from './recovery-codes.js';
import { factorIdSchema, newPasskeySchema, totpCodeSchema } from './schema.js';
import type { SecondFactors } from './second-factors.js';

export interface MfaRoutesDeps extends Guards, EnrolmentDeps {
  readonly knex: Knex;
  readonly factors: SecondFactors;
}

/** Second factors. No Idempotency-Key: answers hold secrets. */
export function mfaRouter(deps: MfaRoutesDeps): Router {
  const { knex, factors, authenticated, limitRate } = deps;
  const router = new Router();
  const enrolment = new Enrolment(deps);
  const person = [authenticated, limitRate, requireSession] as const;
  const steppedUp = [authenticated, limitRate, requireStepUp(knex)] as const;

  router.get('/v2/mfa', ...person, async (ctx) => {
    const { clientId } = ctx.state.principal;
    const own = await factorsOf(knex, clientId);
    ctx.body = {
      enabled: own.length > 0,
      methods: await factors.methodsOf(clientId),
      factors: own.map(presentFactor),
      recovery_codes_left: await countRecoveryCodes(knex, clientId),
    };
  });

  router.post('/v2/mfa/totp', ...steppedUp, async (ctx) => {
    const { id, secret, uri, qrCode } = await enrolment.startTotp(ownerOf(ctx));
    ctx.status = 201;
    ctx.body = { id, secret, uri, qr_code: qrCode };
  });

  router.post('/v2/mfa/totp/confirm', ...person, validateBody(totpCodeSchema), async (ctx) => {
    const { code } = ctx.request.validBody as { code: string };
    answer(ctx, await enrolment.confirmTotp(ownerOf(ctx), code));
  });

  router.post('/v2/mfa/email', ...steppedUp, async (ctx) => {
    answer(ctx, await enrolment.addEmail(ownerOf(ctx)));
  });

  router.post('/v2/mfa/passkeys/challenge', ...steppedUp, async (ctx) => {
    ctx.body = { options: await enrolment.startPasskey(ownerOf(ctx)) };
  });

  router.post('/v2/mfa/passkeys', ...steppedUp, validateBody(newPasskeySchema), async (ctx) => {
    const { label, webauthn } = ctx.request.validBody as {
      label: string;
      webauthn: RegistrationResponseJSON;
    };
    answer(ctx, await enrolment.addPasskey(ownerOf(ctx), webauthn, label));
  });

  router.post('/v2/mfa/recovery_codes', ...steppedUp, async (ctx) => {
    ctx.status = 201;
    ctx.body = { recovery_codes: await enrolment.renewRecoveryCodes(ownerOf(ctx)) };
  });

  const factorId = validateParams(factorIdSchema);
  router.delete('/v2/mfa/factors/:id', ...steppedUp, factorId, async (ctx) => {
    const { id } = ctx.state.params as { id: string };
    await enrolment.remove(ownerOf(ctx), id);
    ctx.status = 204;
  });

  return router;
}

const ownerOf = (ctx: Context): Owner => ({
  clientId: ctx.state.principal.clientId,
  sessionId: ctx.state.principal.credentialId,
  by: actorOf(ctx),
});

function answer(ctx: Context, { factor, recoveryCodes }: AddedFactor): void {
  ctx.status = 201;
  ctx.body = { factor: presentFactor(factor), recovery_codes: recoveryCodes };
}
