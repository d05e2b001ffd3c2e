import Router from '@koa/router';
import type { Knex } from 'knex';
import { staffOnly } from '../admin/staff.js';
import { answerWaiting } from '../approvals/routes.js';
import type { Approvals } from '../approvals/service.js';
import { actorOf } from '../audit/record.js';
import { notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { replayable } from '../http/idempotency.js';
import { nextToken } from '../http/page.js';
import { validateBody, validateParams, validateQuery } from '../http/validate.js';
import { reasonSchema } from '../risk/schema.js';
import { resolveDispute } from './disputes.js';
import { presentStaffTransfer, presentTransferEvent } from './presenter.js';
import { askToReverse } from './reversal-approval.js';
import { findTransfer, listEvents, listTransfers } from './transfer-model.js';
import { filterOf } from './transfer-routes.js';
import {
  listStaffTransfersSchema,
  transferIdSchema,
  type ListTransfersQuery,
} from './transfer-schema.js';

export interface StaffTransferRoutesDeps extends Guards {
  readonly knex: Knex;
  readonly approvals: Approvals;
  readonly now: () => Date;
}

/** All clients' transfers, for the house. */
export function staffTransfersRouter(deps: StaffTransferRoutesDeps): Router {
  const { knex, approvals, now, ...guards } = deps;
  const router = new Router();
  const reader = staffOnly(guards, 'ops', 'compliance', 'admin');
  const officer = staffOnly(guards, 'compliance', 'admin');
  const idParams = validateParams(transferIdSchema);

  router.get(
    '/v2/admin/transfers',
    ...reader,
    validateQuery(listStaffTransfersSchema),
    async (ctx) => {
      const query = ctx.state.query as ListTransfersQuery;
      const transfers = await listTransfers(knex, filterOf(query));
      ctx.body = {
        transfers: transfers.map(presentStaffTransfer),
        next_page_token: nextToken(transfers, query),
      };
    },
  );

  router.get('/v2/admin/transfers/:id', ...reader, idParams, async (ctx) => {
    const { id } = ctx.state.params as { id: string };
    const transfer = await findTransfer(knex, id);
    if (!transfer) throw notFound('transfer');
    const events = await listEvents(knex, id);
    ctx.body = { ...presentStaffTransfer(transfer), events: events.map(presentTransferEvent) };
  });

  router.post(
    '/v2/admin/transfers/:id/reverse',
    ...officer,
    idParams,
    validateBody(reasonSchema),
    replayable(knex, async (ctx, trx) => {
      const { id } = ctx.state.params as { id: string };
      const { reason } = ctx.request.validBody as { reason: string };
      answerWaiting(ctx, await askToReverse(trx, approvals, id, { by: actorOf(ctx), reason }));
    }),
  );

  router.post(
    '/v2/admin/transfers/:id/resolve',
    ...reader,
    idParams,
    validateBody(reasonSchema),
    replayable(knex, async (ctx, trx) => {
      const { id } = ctx.state.params as { id: string };
      const { reason } = ctx.request.validBody as { reason: string };
      const resolved = await resolveDispute(trx, id, { by: actorOf(ctx), reason }, now());
      ctx.body = presentStaffTransfer(resolved);
    }),
  );
  return router;
}
