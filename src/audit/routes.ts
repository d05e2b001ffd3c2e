import Router from '@koa/router';
import { nextToken } from '../http/page.js';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { staffOnly } from '../admin/staff.js';
import { notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { requireSession } from '../http/require-role.js';
import { validateParams, validateQuery } from '../http/validate.js';
import type { AuditAction } from './actions.js';
import { findEntry, listEntries, listOwnEntries } from './entries.js';
import { presentEntry, presentOwnEntry, presentProvable } from './presenter.js';
import { actorOf, recordAct } from './record.js';
import {
  auditIdSchema,
  ownAuditSchema,
  searchAuditSchema,
  type OwnAuditQuery,
  type SearchAuditQuery,
} from './schema.js';

export interface AuditRoutesDeps extends Guards {
  readonly knex: Knex;
}

/** The audit log, for staff and for the client whom it is about. */
export function auditRouter({ knex, ...guards }: AuditRoutesDeps): Router {
  const router = new Router();
  const staff = staffOnly(guards, 'ops', 'compliance', 'admin');
  const person = [guards.authenticated, guards.limitRate, requireSession] as const;

  router.get('/v2/admin/audit', ...staff, validateQuery(searchAuditSchema), async (ctx) => {
    const { action, ...filter } = ctx.state.query as SearchAuditQuery;
    const actions = action as AuditAction[] | undefined;
    const entries = await listEntries(knex, { ...filter, ...(actions && { actions }) });
    // Once a search, not for every page of it: only a first page has no token.
    if (filter.page_token === undefined) await recordSearch(knex, ctx);
    ctx.body = { entries: entries.map(presentEntry), next_page_token: nextToken(entries, filter) };
  });

  router.get('/v2/admin/audit/:id', ...staff, validateParams(auditIdSchema), async (ctx) => {
    const { id } = ctx.state.params as { id: string };
    const entry = await findEntry(knex, id);
    if (!entry) throw notFound('audit entry');
    const { client_id = null, account_id = null } = entry.subject;
    const subject = { client_id, account_id, entry_id: id };
    await recordAct(knex, actorOf(ctx), { action: 'audit.searched', subject });
    ctx.body = presentProvable(entry);
  });

  router.get('/v2/clients/me/audit', ...person, validateQuery(ownAuditSchema), async (ctx) => {
    const { clientId } = ctx.state.principal;
    const query = ctx.state.query as OwnAuditQuery;
    const entries = await listOwnEntries(knex, clientId, query);
    const shown = entries.map((entry) => presentOwnEntry(entry, clientId));
    ctx.body = { entries: shown, next_page_token: nextToken(entries, query) };
  });

  return router;
}

/** Who reads what about whom is itself an act; what is searched for stands in it as it was sent. */
async function recordSearch(knex: Knex, ctx: Context): Promise<void> {
  const { client_id = null, account_id = null } = ctx.state.query as SearchAuditQuery;
  const subject = { client_id: client_id ?? (await clientOf(knex, account_id)), account_id };
  const after = { query: { ...ctx.query } };
  await recordAct(knex, actorOf(ctx), { action: 'audit.searched', subject, after });
}

async function clientOf(knex: Knex, accountId: string | null): Promise<string | null> {
  if (accountId === null) return null;
  const account = await knex('accounts')
    .where({ id: accountId })
    .first<{ client_id: string | null } | undefined>('client_id');
  return account?.client_id ?? null;
}
