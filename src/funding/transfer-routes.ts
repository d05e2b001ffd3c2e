import Router from '@koa/router';
import type { Knex } from 'knex';
import { actorOf, recordAct } from '../audit/record.js';
import { formatDecimal, PRICE_SCALE } from '../domain/money.js';
import { DomainError, invalid, notFound } from '../errors.js';
import type { Middleware } from '../http/context.js';
import type { Guards } from '../http/guards.js';
import { replayable } from '../http/idempotency.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { requireStepUp } from '../http/step-up.js';
import { validateBody, validateParams, validateQuery } from '../http/validate.js';
import { transfersMoved, transfersRefused } from './metrics.js';
import { presentTransfer } from './presenter.js';
import { cancelTransfer, requestTransfer } from './request-transfer.js';
import type { TransferLimits } from './transfer-limits.js';
import { findTransfer, listTransfers, type TransferFilter } from './transfer-model.js';
import {
  DIRECTIONS,
  listTransfersSchema,
  requestTransferSchema,
  transferIdSchema,
  type ListTransfersQuery,
  type RequestTransferBody,
} from './transfer-schema.js';

export interface TransferRoutesDeps extends Guards {
  readonly knex: Knex;
  readonly limits: TransferLimits;
  /** Told that there are transfers to send. Must neither wait nor throw. */
  readonly nudgeTransfers: () => void;
  readonly now: () => Date;
}

/** The caller's deposits and withdrawals. */
export function transfersRouter(deps: TransferRoutesDeps): Router {
  const { knex, limits, nudgeTransfers, now, authenticated, limitRate } = deps;
  const router = new Router();
  const read = [authenticated, limitRate, requireScope('read'), requireAccount] as const;
  const trade = [authenticated, limitRate, requireScope('trade'), requireAccount] as const;
  const stepUp = requireStepUp(knex);

  /** Money that leaves is for people with a second factor; a program's key may bring some in. */
  const stepUpToWithdraw: Middleware = (ctx, next) => {
    const { direction } = ctx.request.validBody as RequestTransferBody;
    return direction === 'OUTGOING' ? stepUp(ctx, next) : next();
  };

  const place = replayable(knex, async (ctx, trx, afterCommit) => {
    const body = ctx.request.validBody as RequestTransferBody;
    const request = {
      accountId: ctx.state.accountId,
      bankAccountId: body.bank_account_id,
      direction: DIRECTIONS[body.direction],
      type: body.transfer_type ?? null,
      amount: body.amount,
    };
    const transfer = await requestTransfer(trx, limits, request, actorOf(ctx), now());
    ctx.body = presentTransfer(transfer);
    ctx.status = 201;
    afterCommit(() => {
      transfersMoved.inc({ direction: transfer.direction, status: 'queued' });
      nudgeTransfers();
    });
  });

  router.post(
    '/v2/transfers',
    ...trade,
    requireIdempotencyKey,
    validateBody(requestTransferSchema),
    recordRefusals(knex),
    stepUpToWithdraw,
    place,
  );

  router.get('/v2/transfers', ...read, validateQuery(listTransfersSchema), async (ctx) => {
    const query = filterOf(ctx.state.query as ListTransfersQuery);
    const page = await listTransfers(knex, { ...query, account_id: ctx.state.accountId });
    ctx.body = page.map(presentTransfer);
  });

  router.get('/v2/transfers/:id', ...read, validateParams(transferIdSchema), async (ctx) => {
    const { id } = ctx.state.params as { id: string };
    const transfer = await findTransfer(knex, id, ctx.state.accountId);
    if (!transfer) throw notFound('transfer');
    ctx.body = presentTransfer(transfer);
  });

  router.delete(
    '/v2/transfers/:id',
    ...trade,
    validateParams(transferIdSchema),
    replayable(knex, async (ctx, trx, afterCommit) => {
      const { id } = ctx.state.params as { id: string };
      const canceled = await cancelTransfer(trx, ctx.state.accountId, id, actorOf(ctx), now());
      ctx.status = 204;
      afterCommit(() => transfersMoved.inc({ direction: canceled.direction, status: 'canceled' }));
    }),
  );
  return router;
}

/** The query in the model's words. */
export const filterOf = ({ direction, status, ...rest }: ListTransfersQuery): TransferFilter => ({
  ...rest,
  ...(direction && { direction: DIRECTIONS[direction] }),
  ...(status && { statuses: status }),
});

/** @throws DomainError 422 without a key: money must not move twice because an answer got lost */
const requireIdempotencyKey: Middleware = (ctx, next) => {
  if (ctx.req.headers['idempotency-key'] !== undefined) return next();
  throw invalid(
    'Idempotency-Key is required: send one of your own, and the same one when you try again',
    { errors: [{ field: 'Idempotency-Key', message: 'is required' }] },
  );
};

/** Whoever tries the limits leaves a trace: outside of the transaction that was refused. */
const recordRefusals =
  (knex: Knex): Middleware =>
  async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (error instanceof DomainError && !error.replayed && error.kind !== 'conflict') {
        const { direction, amount, bank_account_id } = ctx.request.validBody as RequestTransferBody;
        const { clientId, accountId } = ctx.state.principal;
        transfersRefused.inc({ code: error.code });
        await recordAct(knex, actorOf(ctx), {
          action: 'transfer.refuse',
          subject: { client_id: clientId, account_id: accountId, bank_account_id },
          after: { direction, amount: formatDecimal(amount, PRICE_SCALE), code: error.code },
          reason: error.message,
        });
      }
      throw error;
    }
  };
