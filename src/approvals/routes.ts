import Router from '@koa/router';
import { nextToken } from '../http/page.js';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { staffOnly } from '../admin/staff.js';
import { actorOf } from '../audit/record.js';
import { notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { replayable, type AfterCommit } from '../http/idempotency.js';
import { validateBody, validateParams, validateQuery } from '../http/validate.js';
import { findApproval, listApprovals, type Approval, type ApprovalFilter } from './model.js';
import { presentApproval } from './presenter.js';
import { approvalIdSchema, decisionSchema, listApprovalsSchema } from './schema.js';
import type { Approvals, Author } from './service.js';

export interface ApprovalRoutesDeps extends Guards {
  readonly knex: Knex;
  readonly approvals: Approvals;
}

/** What waits for a second person, and that person's decision. */
export function approvalsRouter({ knex, approvals, ...guards }: ApprovalRoutesDeps): Router {
  const router = new Router();
  const staff = staffOnly(guards, 'ops', 'compliance', 'admin'); // each kind has roles of its own
  const params = validateParams(approvalIdSchema);

  router.get('/v2/admin/approvals', ...staff, validateQuery(listApprovalsSchema), async (ctx) => {
    const filter = ctx.state.query as ApprovalFilter;
    const page = await listApprovals(knex, filter);
    const next_page_token = nextToken(page, filter);
    ctx.body = { approvals: page.map(presentApproval), next_page_token };
  });

  router.get('/v2/admin/approvals/:id', ...staff, params, async (ctx) => {
    const approval = await findApproval(knex, idOf(ctx));
    if (!approval) throw notFound('approval');
    ctx.body = presentApproval(approval);
  });

  const decisions = {
    approve: (trx, id, author, afterCommit) => approvals.approve(trx, id, author, afterCommit),
    reject: (trx, id, author) => approvals.reject(trx, id, author),
    withdraw: (trx, id, author) => approvals.withdraw(trx, id, author),
  } satisfies Record<string, Decide>;

  for (const [verb, decide] of Object.entries<Decide>(decisions)) {
    router.post(
      `/v2/admin/approvals/:id/${verb}`,
      ...staff,
      params,
      validateBody(decisionSchema),
      replayable(knex, async (ctx, trx, afterCommit) => {
        const { reason } = ctx.request.validBody as { reason: string };
        const author = { by: actorOf(ctx), reason };
        ctx.body = presentApproval(await decide(trx, idOf(ctx), author, afterCommit));
      }),
    );
  }
  return router;
}

type Decide = (
  trx: Knex.Transaction,
  id: string,
  author: Author,
  afterCommit: AfterCommit,
) => Promise<Approval>;

const idOf = (ctx: Context): string => (ctx.state.params as { id: string }).id;

/** Answers 202: what was asked for waits for a second person. */
export function answerWaiting(ctx: Context, approval: Approval): void {
  ctx.status = 202;
  ctx.set('Location', `/v2/admin/approvals/${approval.id}`);
  ctx.body = presentApproval(approval);
}
