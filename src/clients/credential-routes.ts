import Router from '@koa/router';
import { actorOf } from '../audit/record.js';
import type { Middleware } from '../http/context.js';
import { requireStepUp } from '../http/step-up.js';
import { validateBody } from '../http/validate.js';
import { hashPassword, requireGoodPassword } from '../identity/passwords.js';
import {
  changeLimit,
  changePassword,
  checkChange,
  type ChangePasswordBody,
} from './change-password.js';
import type { Proof } from './code-mails.js';
import { changePasswordSchema, codeSchema, resetSchema, tokenSchema } from './credential-schema.js';
import { askForEmailChange, confirmEmailChange } from './email-change.js';
import { answerEvenly } from './even-answers.js';
import { askForReset, resetPassword, type NewPassword } from './password-reset.js';
import { type ClientRoutesDeps, personOnly, writing } from './route-deps.js';
import { accept, emailOf, MAIL_ANSWER } from './routes.js';
import { emailSchema } from './schema.js';

type ResetBody = Proof & { readonly password: string };

/** Hashes before the transaction, which must not wait for it; whatever the code is worth. */
export const hashNewPassword: Middleware = async (ctx, next) => {
  const body = ctx.request.validBody as ResetBody;
  requireGoodPassword(body.password, { email: 'email' in body ? body.email : '' });
  ctx.request.validBody = { ...body, passwordHash: await hashPassword(body.password) };
  return next();
};

/** Passwords: forgotten, and changed. */
export function passwordsRouter(deps: ClientRoutesDeps): Router {
  const { knex, limitRate } = deps;
  const router = new Router();

  router.post(
    '/v2/clients/password/forgot',
    limitRate,
    validateBody(emailSchema),
    answerEvenly,
    writing(deps, async (ctx, trx, by) => {
      await askForReset(deps, trx, by, emailOf(ctx));
      return accept(ctx, MAIL_ANSWER);
    }),
  );

  router.post(
    '/v2/clients/password/reset',
    limitRate,
    validateBody(resetSchema),
    answerEvenly,
    hashNewPassword,
    writing(deps, (ctx, trx, by) => {
      const body = ctx.request.validBody as Proof & NewPassword;
      ctx.status = 204;
      return resetPassword(deps, trx, by, body, body);
    }),
  );

  const limit = changeLimit(knex);
  const checked: Middleware = async (ctx, next) => {
    const body = ctx.request.validBody as ChangePasswordBody;
    const { clientId } = ctx.state.principal;
    ctx.request.validBody = await checkChange({ knex, limit }, actorOf(ctx), clientId, body);
    return next();
  };
  // Takes no Idempotency-Key: sent again, the current password is another one.
  router.put(
    '/v2/clients/me/password',
    ...personOnly(deps),
    requireStepUp(knex),
    validateBody(changePasswordSchema),
    checked,
    async (ctx) => {
      const { clientId, credentialId: sessionId } = ctx.state.principal;
      const next = ctx.request.validBody as NewPassword;
      const who = { clientId, sessionId };
      await knex.transaction((trx) => changePassword(deps, trx, actorOf(ctx), who, next));
      deps.nudgeNotifications();
      ctx.status = 204;
    },
  );

  return router;
}

/** A client's e-mail address changes once the new one is confirmed. */
export function emailRouter(deps: ClientRoutesDeps): Router {
  const router = new Router();
  const person = personOnly(deps);

  router.post(
    '/v2/clients/me/email',
    ...person,
    requireStepUp(deps.knex),
    validateBody(emailSchema),
    answerEvenly,
    writing(deps, async (ctx, trx, by) => {
      await askForEmailChange(deps, trx, by, ctx.state.principal.clientId, emailOf(ctx));
      return accept(ctx, MAIL_ANSWER);
    }),
  );

  router.post(
    '/v2/clients/me/email/confirm',
    ...person,
    validateBody(codeSchema),
    writing(deps, (ctx, trx, by) => {
      const { code } = ctx.request.validBody as { code: string };
      ctx.status = 204;
      return confirmEmailChange(deps, trx, by, { code, clientId: ctx.state.principal.clientId });
    }),
  );

  router.post(
    '/v2/clients/email/confirm',
    deps.limitRate,
    validateBody(tokenSchema),
    answerEvenly,
    writing(deps, (ctx, trx, by) => {
      ctx.status = 204;
      return confirmEmailChange(deps, trx, by, ctx.request.validBody as { token: string });
    }),
  );

  return router;
}
