import Router from '@koa/router';
import type { Knex } from 'knex';
import { actorOf } from '../audit/record.js';
import type { Guards } from '../http/guards.js';
import { replayable } from '../http/idempotency.js';
import { requireScope, requireSession } from '../http/require-role.js';
import { requireStepUp } from '../http/step-up.js';
import { validateBody, validateParams } from '../http/validate.js';
import type { Sealer } from '../identity/sealer.js';
import {
  addBankAccount,
  listBankAccounts,
  presentBankAccount,
  removeBankAccount,
} from './bank-accounts.js';
import {
  addBankAccountSchema,
  bankAccountIdSchema,
  numberOf,
  type AddBankAccountBody,
} from './bank-account-schema.js';

export interface BankAccountRoutesDeps extends Guards {
  readonly knex: Knex;
  readonly sealer: Sealer;
}

/** The caller's accounts at banks. */
export function bankAccountsRouter(deps: BankAccountRoutesDeps): Router {
  const { knex, sealer, authenticated, limitRate } = deps;
  const router = new Router();
  const person = [authenticated, limitRate, requireSession] as const;

  router.get('/v2/bank_accounts', authenticated, limitRate, requireScope('read'), async (ctx) => {
    const own = await listBankAccounts(knex, ctx.state.principal.clientId);
    ctx.body = own.map(presentBankAccount);
  });

  router.post(
    '/v2/bank_accounts',
    ...person,
    requireStepUp(knex),
    validateBody(addBankAccountSchema),
    replayable(knex, async (ctx, trx) => {
      const body = ctx.request.validBody as AddBankAccountBody;
      const added = {
        clientId: ctx.state.principal.clientId,
        holderName: body.account_owner_name,
        nickname: body.nickname ?? null,
        number: numberOf(body),
      };
      ctx.body = presentBankAccount(await addBankAccount(trx, sealer, added, actorOf(ctx)));
      ctx.status = 201;
    }),
  );

  router.delete(
    '/v2/bank_accounts/:id',
    ...person,
    validateParams(bankAccountIdSchema),
    replayable(knex, async (ctx, trx) => {
      const { id } = ctx.state.params as { id: string };
      await removeBankAccount(trx, ctx.state.principal.clientId, id, actorOf(ctx));
      ctx.status = 204;
    }),
  );
  return router;
}
