import Router from '@koa/router';
import { nextToken } from '../../http/page.js';
import type { Knex } from 'knex';
import type { Approval } from '../../approvals/model.js';
import { answerWaiting } from '../../approvals/routes.js';
import type { Approvals, Author } from '../../approvals/service.js';
import { actorOf } from '../../audit/record.js';
import { invalid } from '../../errors.js';
import type { Guards } from '../../http/guards.js';
import { replayable } from '../../http/idempotency.js';
import { validateBody, validateParams, validateQuery } from '../../http/validate.js';
import { staffOnly } from '../staff.js';
import { STAFF_CREATE, staffChangeKind } from './approvals.js';
import { listStaff, lockActiveAdmins, type StaffFilter, type StaffRow } from './model.js';
import {
  changeStaffSchema,
  createStaffSchema,
  listStaffSchema,
  staffIdSchema,
  type ChangeStaffBody,
  type CreateStaffBody,
} from './schema.js';
import {
  requireAnAdmin,
  requireFree,
  requireSomebodyElse,
  standingOf,
  takeMember,
} from './service.js';

export interface StaffRoutesDeps extends Guards {
  readonly knex: Knex;
  readonly approvals: Approvals;
}

/** The house's own people; changes take two admins. */
export function staffRouter({ knex, approvals, ...guards }: StaffRoutesDeps): Router {
  const router = new Router();
  const admins = staffOnly(guards, 'admin');

  router.get('/v2/admin/staff', ...admins, validateQuery(listStaffSchema), async (ctx) => {
    const filter = ctx.state.query as StaffFilter;
    const page = await listStaff(knex, filter);
    const next_page_token = nextToken(page, filter);
    ctx.body = { staff: page.map(presentStaff), next_page_token };
  });

  router.post(
    '/v2/admin/staff',
    ...admins,
    validateBody(createStaffSchema),
    replayable(knex, async (ctx, trx) => {
      const { reason, ...member } = ctx.request.validBody as CreateStaffBody;
      await requireFree(trx, member.email);
      const author = { by: actorOf(ctx), reason };
      answerWaiting(ctx, await approvals.request(trx, STAFF_CREATE, { ...member }, author));
    }),
  );

  router.patch(
    '/v2/admin/staff/:id',
    ...admins,
    validateParams(staffIdSchema),
    validateBody(changeStaffSchema),
    replayable(knex, async (ctx, trx) => {
      const { id } = ctx.state.params as { id: string };
      const { reason, ...change } = ctx.request.validBody as ChangeStaffBody;
      const author = { by: actorOf(ctx), reason };
      answerWaiting(ctx, await askToChange(trx, approvals, id, change, author));
    }),
  );
  return router;
}

async function askToChange(
  trx: Knex.Transaction,
  approvals: Approvals,
  id: string,
  change: Omit<ChangeStaffBody, 'reason'>,
  author: Author,
): Promise<Approval> {
  requireSomebodyElse(id, author.by);
  const admins = await lockActiveAdmins(trx);
  const member = await takeMember(trx, id);
  const from = standingOf(member);
  const to = { ...from, ...change };
  if (to.role === from.role && to.active === from.active) {
    throw invalid('role and active are that way already');
  }
  requireAnAdmin(admins, id, to);
  const wanted = { client_id: id, email: member.email, from, to };
  return approvals.request(trx, staffChangeKind, wanted, author);
}

const presentStaff = (member: StaffRow): Record<string, unknown> => ({
  id: member.id,
  email: member.email,
  first_name: member.first_name,
  last_name: member.last_name,
  role: member.role,
  active: member.status === 'active',
  created_at: member.created_at.toISOString(),
  updated_at: member.updated_at.toISOString(),
});
