import Router from '@koa/router';
import { nextToken } from '../http/page.js';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { staffOnly } from '../admin/staff.js';
import { answerWaiting } from '../approvals/routes.js';
import { invalid, notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { replayable } from '../http/idempotency.js';
import { ifMatch } from '../http/if-match.js';
import { validateBody, validateParams, validateQuery } from '../http/validate.js';
import { askToDelete, changeLimits, type LimitChangesDeps } from './change-limits.js';
import {
  authorOf,
  listChanges,
  presentChange,
  type ChangeFilter,
  type ControlTarget,
} from './control-changes.js';
import { findLimits, listLimits, presentLimits, type LimitsRow } from './limit-store.js';
import {
  limitsIdSchema,
  listChangesSchema,
  listLimitsSchema,
  setLimitsSchema,
  validateReason,
  type ListLimitsQuery,
  type SetLimitsBody,
} from './schema.js';
import { findAccountTarget, findAssetTarget, HOUSE } from './targets.js';

export interface LimitRoutesDeps extends Guards, LimitChangesDeps {
  readonly knex: Knex;
}

/** The limits of the house, its accounts and its assets; and who changed which control. */
export function limitsRouter(deps: LimitRoutesDeps): Router {
  const { knex, approvals, defaults, ...guards } = deps;
  const router = new Router();
  const reader = staffOnly(guards, 'ops', 'compliance', 'admin');
  const writer = staffOnly(guards, 'compliance', 'admin');

  router.get('/v2/admin/limits', ...reader, validateQuery(listLimitsSchema), async (ctx) => {
    const { symbol, ...filter } = ctx.state.query as ListLimitsQuery;
    const asset = symbol === undefined ? HOUSE : await findAssetTarget(knex, symbol);
    if (!asset) throw invalid(`symbol was "${symbol!}"; there is no such asset`);
    const { asset_id } = asset;
    const limits = await listLimits(knex, { ...filter, ...(asset_id !== null && { asset_id }) });
    ctx.body = { limits: limits.map(presentLimits), next_page_token: nextToken(limits, filter) };
  });

  router.get('/v2/admin/limits/:id', ...reader, validateParams(limitsIdSchema), async (ctx) => {
    const { id } = ctx.state.params as { id: string };
    const limits = await findLimits(knex, id);
    if (!limits) throw notFound('limits');
    answer(ctx, limits);
  });

  router.put(
    '/v2/admin/limits',
    ...writer,
    validateBody(setLimitsSchema),
    replayable(knex, async (ctx, trx) => {
      const { account_id, symbol, reason, ...values } = ctx.request.validBody as SetLimitsBody;
      requireSomething(values);
      const target = await subjectOf(trx, account_id, symbol);
      const change = { values, version: ifMatch(ctx) };
      const author = authorOf(ctx, reason);
      const changed = await changeLimits(trx, { approvals, defaults }, target, change, author);
      if (changed.approval) answerWaiting(ctx, changed.approval);
      else answer(ctx, changed.limits);
    }),
  );

  router.delete(
    '/v2/admin/limits/:id',
    ...writer,
    validateParams(limitsIdSchema),
    validateReason,
    replayable(knex, async (ctx, trx) => {
      const { id } = ctx.state.params as { id: string };
      const author = authorOf(ctx, reasonOf(ctx));
      answerWaiting(ctx, await askToDelete(trx, { approvals }, id, ifMatch(ctx), author));
    }),
  );

  router.get(
    '/v2/admin/control_changes',
    ...reader,
    validateQuery(listChangesSchema),
    async (ctx) => {
      const filter = ctx.state.query as ChangeFilter;
      const changes = (await listChanges(knex, filter)).map(presentChange);
      ctx.body = { control_changes: changes, next_page_token: nextToken(changes, filter) };
    },
  );

  return router;
}

/** What `validateReason` accepted. */
export const reasonOf = (ctx: Context): string =>
  ((ctx.request.validBody ?? ctx.state.query) as { reason: string }).reason;

function answer(ctx: Context, limits: LimitsRow): void {
  ctx.set('ETag', `"${limits.version}"`);
  ctx.body = presentLimits(limits);
}

/** @throws DomainError 422 for limits that limit nothing */
function requireSomething(values: object): void {
  if (Object.values(values).some((value) => value !== null)) return;
  const names = Object.keys(values).join(', ');
  throw invalid(`At least one of ${names} must be set; to take limits away, delete them`);
}

async function subjectOf(
  knex: Knex,
  accountId: string | undefined,
  symbol: string | undefined,
): Promise<ControlTarget> {
  if (accountId !== undefined) {
    const account = await findAccountTarget(knex, accountId);
    if (account) return account;
    throw invalid(`account_id was "${accountId}"; there is no such account`);
  }
  if (symbol === undefined) return HOUSE;
  const asset = await findAssetTarget(knex, symbol);
  if (asset) return asset;
  throw invalid(`symbol was "${symbol}"; there is no such asset`);
}
