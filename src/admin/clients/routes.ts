import Router from '@koa/router';
import { nextToken } from '../../http/page.js';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { actorOf, recordAct } from '../../audit/record.js';
import { notFound } from '../../errors.js';
import type { Guards } from '../../http/guards.js';
import { replayable } from '../../http/idempotency.js';
import { validateBody, validateParams, validateQuery } from '../../http/validate.js';
import type { Logger } from '../../log.js';
import { authorOf, type Author } from '../../risk/control-changes.js';
import { cancelKilled } from '../../risk/kill-switch.js';
import { reasonSchema } from '../../risk/schema.js';
import { outwaitSettlements } from '../../risk/settlement-gate.js';
import { staffOnly } from '../staff.js';
import { findClientFile, listClients, type ClientFilter, type ClientRow } from './model.js';
import { presentClient, presentFile } from './presenter.js';
import { clientIdSchema, listClientsSchema } from './schema.js';
import { closeClient, reactivateClient, suspendClient } from './service.js';

export interface ClientAdminRoutesDeps extends Guards {
  readonly knex: Knex;
  readonly log: Logger;
  /** Told which shards have new work. Must neither wait nor throw. */
  readonly nudge: (shards: readonly number[]) => void;
}

type Act = (trx: Knex.Transaction, id: string, author: Author) => Promise<ClientRow>;

/** Clients as staff sees them, and what staff decides about them. */
export function clientAdminRouter({ knex, log, nudge, ...guards }: ClientAdminRoutesDeps): Router {
  const router = new Router();
  const staff = staffOnly(guards, 'ops', 'compliance', 'admin');
  const officers = staffOnly(guards, 'compliance', 'admin');
  const params = validateParams(clientIdSchema);

  router.get('/v2/admin/clients', ...staff, validateQuery(listClientsSchema), async (ctx) => {
    const filter = ctx.state.query as ClientFilter;
    const page = await listClients(knex, filter);
    await recordSearch(knex, ctx, filter, page.length);
    const { role } = ctx.state.principal;
    const next_page_token = nextToken(page, filter);
    ctx.body = { clients: page.map((one) => presentClient(one, role)), next_page_token };
  });

  router.get('/v2/admin/clients/:id', ...staff, params, async (ctx) => {
    const file = await findClientFile(knex, idOf(ctx));
    if (!file) throw notFound('client');
    // Before the answer: what cannot be recorded is not shown.
    await recordAct(knex, actorOf(ctx), {
      action: 'client.viewed',
      subject: { client_id: file.id },
    });
    ctx.body = presentFile(file, ctx.state.principal.role);
  });

  /** Makes the answer mean that nothing of the client commits any more. */
  const enforceKills = async (): Promise<void> => {
    await outwaitSettlements(knex, log);
    await cancelKilled(knex, nudge);
  };

  const post = (verb: string, who: typeof staff, act: Act, afterwards?: () => Promise<void>) =>
    router.post(
      `/v2/admin/clients/:id/${verb}`,
      ...who,
      params,
      validateBody(reasonSchema),
      replayable(knex, async (ctx, trx, afterCommit) => {
        const { reason } = ctx.request.validBody as { reason: string };
        const client = await act(trx, idOf(ctx), authorOf(ctx, reason));
        ctx.body = presentClient(client, ctx.state.principal.role);
        if (afterwards) afterCommit(afterwards);
      }),
    );
  post('suspend', staff, suspendClient, enforceKills);
  post('reactivate', officers, reactivateClient);
  post('close', officers, closeClient);
  return router;
}

const idOf = (ctx: Context): string => (ctx.state.params as { id: string }).id;

/** By what, not for what: the log is no second place for addresses and numbers. */
const recordSearch = (
  knex: Knex,
  ctx: Context,
  { limit, page_token, ...wanted }: ClientFilter,
  found: number,
): Promise<void> =>
  recordAct(knex, actorOf(ctx), {
    action: 'client.searched',
    subject: {},
    after: { by: Object.keys(wanted), limit, is_next_page: page_token !== undefined, found },
  });
