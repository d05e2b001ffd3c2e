import Router from '@koa/router';
import Joi from 'joi';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { actorOf, type Actor } from '../audit/record.js';
import { DomainError } from '../errors.js';
import type { Middleware } from '../http/context.js';
import { toProblem } from '../http/problem.js';
import { validateForm, validateParams, validateQuery } from '../http/validate.js';
import { hashNewPassword } from './credential-routes.js';
import { tokenSchema } from './credential-schema.js';
import { confirmEmailChange } from './email-change.js';
import { answerEvenly } from './even-answers.js';
import { confirmPage, donePage, PAGE_PURPOSES, type PagePurpose, refusedPage } from './pages.js';
import { type NewPassword, resetPassword } from './password-reset.js';
import type { ClientRoutesDeps } from './route-deps.js';
import { password, token } from './schema.js';
import { verifyEmail } from './verify-email.js';

export const pageParamsSchema = Joi.object({
  purpose: Joi.valid(...PAGE_PURPOSES).required(),
});

type Form = NewPassword & { readonly token: string };

const passwordForm = validateForm(
  Joi.object({ token: token.required(), password: password.required() }),
);
const tokenForm = validateForm(tokenSchema);

const purposeOf = (ctx: Context): PagePurpose =>
  (ctx.state.params as { purpose: PagePurpose }).purpose;

/** The pages behind the links in mails, for people: opened, they change nothing; their button does. */
export function pagesRouter(deps: ClientRoutesDeps): Router {
  const { knex, limitRate, nudgeNotifications } = deps;
  const router = new Router();
  const path = '/confirm/:purpose';
  const params = validateParams(pageParamsSchema);

  router.get(path, limitRate, params, asPage, validateQuery(tokenSchema), (ctx) => {
    const { token } = ctx.state.query as { token: string };
    ctx.body = confirmPage(purposeOf(ctx), token);
  });

  const form: Middleware = (ctx, next) =>
    purposeOf(ctx) === 'reset_password'
      ? passwordForm(ctx, () => Promise.resolve(hashNewPassword(ctx, next)))
      : tokenForm(ctx, next);

  router.post(path, limitRate, params, asPage, answerEvenly, form, async (ctx) => {
    const purpose = purposeOf(ctx);
    const input = ctx.request.validBody as Form;
    const refusal = await knex.transaction((trx) =>
      confirm(deps, trx, actorOf(ctx), purpose, input),
    );
    nudgeNotifications();
    if (refusal) throw refusal;
    ctx.body = donePage(purpose);
  });

  return router;
}

function confirm(
  deps: ClientRoutesDeps,
  trx: Knex.Transaction,
  by: Actor,
  purpose: PagePurpose,
  input: Form,
): Promise<DomainError | undefined> {
  switch (purpose) {
    case 'verify_email':
      return verifyEmail(deps, trx, by, { token: input.token });
    case 'reset_password':
      return resetPassword(deps, trx, by, { token: input.token }, input);
    case 'change_email':
      return confirmEmailChange(deps, trx, by, { token: input.token });
  }
}

/** Tells people of a refusal in a page, too. The address of the page is a secret: it is kept nowhere. */
const asPage: Middleware = async (ctx, next) => {
  ctx.set('Cache-Control', 'no-store');
  try {
    await next();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    ctx.status = toProblem(error).status;
    ctx.body = refusedPage(purposeOf(ctx), error.message);
  }
  ctx.type = 'text/html';
};
