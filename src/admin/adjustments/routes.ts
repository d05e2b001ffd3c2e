import Router from '@koa/router';
import type { Knex } from 'knex';
import { answerWaiting } from '../../approvals/routes.js';
import type { Approvals } from '../../approvals/service.js';
import { actorOf } from '../../audit/record.js';
import type { Guards } from '../../http/guards.js';
import { replayable } from '../../http/idempotency.js';
import { validateBody } from '../../http/validate.js';
import { staffOnly } from '../staff.js';
import { adjustmentSchema, type AdjustmentBody } from './schema.js';
import { askToAdjust } from './service.js';

export interface AdjustmentRoutesDeps extends Guards {
  readonly knex: Knex;
  readonly approvals: Approvals;
}

/** Corrections of what clients have, by two people. */
export function adjustmentsRouter({ knex, approvals, ...guards }: AdjustmentRoutesDeps): Router {
  const router = new Router();

  router.post(
    '/v2/admin/adjustments',
    ...staffOnly(guards, 'ops', 'compliance', 'admin'),
    validateBody(adjustmentSchema),
    replayable(knex, async (ctx, trx) => {
      const body = ctx.request.validBody as AdjustmentBody;
      const author = { by: actorOf(ctx), reason: body.reason };
      answerWaiting(ctx, await askToAdjust(trx, approvals, body, author));
    }),
  );
  return router;
}
