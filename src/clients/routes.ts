import Router from '@koa/router';
import type { Context } from 'koa';
import { notFound } from '../errors.js';
import type { Middleware } from '../http/context.js';
import { validateBody } from '../http/validate.js';
import { hashPassword } from '../identity/passwords.js';
import type { Proof } from './code-mails.js';
import { changeDetails } from './details.js';
import { answerEvenly } from './even-answers.js';
import { findClient } from './model.js';
import { presentClient } from './presenter.js';
import { type ClientRoutesDeps, personOnly, writing } from './route-deps.js';
import {
  changeDetailsSchema,
  emailSchema,
  signUpSchema,
  verifySchema,
  type ChangeDetailsBody,
  type SignUpBody,
} from './schema.js';
import { checkSignUp, resendVerification, signUp, type SignUp } from './sign-up.js';
import { verifyEmail } from './verify-email.js';

/** The same for everybody: it tells nothing about who is a client. */
export const SIGN_UP_ANSWER = {
  status: 'pending',
  message: 'We have sent a mail to that address. It says how to go on.',
};
export const MAIL_ANSWER = {
  message: 'If there is something to send to that address, it is on its way.',
};

/** What `checked` found. */
type CheckedSignUp = SignUp & { readonly passwordHash: string };

/** Signing up, and what clients know of themselves. */
export function clientsRouter(deps: ClientRoutesDeps): Router {
  const { knex, now, limitRate } = deps;
  const router = new Router();
  const person = personOnly(deps);

  /** Hashes before the transaction, which must not wait for it; whoever signs up. */
  const checked: Middleware = async (ctx, next) => {
    const body = ctx.request.validBody as SignUpBody;
    const input = checkSignUp(body, now());
    const passwordHash = await hashPassword(body.password);
    ctx.request.validBody = { ...input, passwordHash } satisfies CheckedSignUp;
    return next();
  };

  router.post(
    '/v2/clients',
    limitRate,
    validateBody(signUpSchema),
    answerEvenly,
    checked,
    writing(deps, async (ctx, trx, by) => {
      await signUp(deps, trx, by, ctx.request.validBody as CheckedSignUp);
      return accept(ctx, SIGN_UP_ANSWER);
    }),
  );

  router.post(
    '/v2/clients/verify',
    limitRate,
    validateBody(verifySchema),
    answerEvenly,
    writing(deps, (ctx, trx, by) => {
      ctx.status = 204;
      return verifyEmail(deps, trx, by, ctx.request.validBody as Proof);
    }),
  );

  router.post(
    '/v2/clients/verification',
    limitRate,
    validateBody(emailSchema),
    answerEvenly,
    writing(deps, async (ctx, trx, by) => {
      await resendVerification(deps, trx, by, emailOf(ctx));
      return accept(ctx, MAIL_ANSWER);
    }),
  );

  router.get('/v2/clients/me', ...person, async (ctx) => {
    const client = await findClient(knex, ctx.state.principal.clientId);
    if (!client) throw notFound('client');
    ctx.body = presentClient(client);
  });

  router.patch(
    '/v2/clients/me',
    ...person,
    validateBody(changeDetailsSchema),
    writing(deps, async (ctx, trx, by) => {
      const changes = ctx.request.validBody as ChangeDetailsBody;
      const { clientId } = ctx.state.principal;
      ctx.body = presentClient(await changeDetails(trx, by, clientId, changes, now()));
      return undefined;
    }),
  );

  return router;
}

export const emailOf = (ctx: Context): string => (ctx.request.validBody as { email: string }).email;

/** 202: a mail says the rest. */
export function accept(ctx: Context, body: object): undefined {
  ctx.status = 202;
  ctx.body = body;
}
