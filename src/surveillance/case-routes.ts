import Router from '@koa/router';
import { nextToken } from '../http/page.js';
import type { Knex } from 'knex';
import type { Context } from 'koa';
import { staffOnly } from '../admin/staff.js';
import { actorOf } from '../audit/record.js';
import { invalid, notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { replayable } from '../http/idempotency.js';
import { ifMatch } from '../http/if-match.js';
import { validateBody, validateParams, validateQuery } from '../http/validate.js';
import { findAssetTarget, HOUSE } from '../risk/targets.js';
import { listCaseEvents, presentCaseEvent } from './case-events.js';
import {
  findCase,
  listCases,
  listEvidence,
  type CaseFilter,
  type ListedCase,
} from './case-model.js';
import { presentCase, presentEvidence } from './case-presenter.js';
import {
  addNoteSchema,
  caseIdSchema,
  casePageSchema,
  changeCaseSchema,
  listCasesSchema,
  openCaseSchema,
} from './case-schema.js';
import { addNote, changeCase, openCase, type CaseChanges, type NewCase } from './case-service.js';

export interface CaseRoutesDeps extends Guards {
  readonly knex: Knex;
}

interface Page {
  limit: number;
  page_token?: string;
}

/** Cases of market surveillance: ops may read them, compliance and admins act on them. */
export function casesRouter({ knex, ...guards }: CaseRoutesDeps): Router {
  const router = new Router();
  const reader = staffOnly(guards, 'ops', 'compliance', 'admin');
  const officer = staffOnly(guards, 'compliance', 'admin');
  const one = validateParams(caseIdSchema);
  const page = validateQuery(casePageSchema);

  router.get('/v2/admin/cases', ...reader, validateQuery(listCasesSchema), async (ctx) => {
    const { symbol, ...filter } = ctx.state.query as CaseFilter & { symbol?: string };
    const asset = symbol === undefined ? HOUSE : await findAssetTarget(knex, symbol);
    if (!asset) throw invalid(`symbol was "${symbol!}"; there is no such asset`);
    const { asset_id } = asset;
    const cases = await listCases(knex, { ...filter, ...(asset_id !== null && { asset_id }) });
    ctx.body = { cases: cases.map(presentCase), next_page_token: nextToken(cases, filter) };
  });

  router.post(
    '/v2/admin/cases',
    ...officer,
    validateBody(openCaseSchema),
    replayable(knex, async (ctx, trx) => {
      answer(ctx, await openCase(trx, ctx.request.validBody as NewCase, actorOf(ctx)));
      ctx.status = 201;
    }),
  );

  router.get('/v2/admin/cases/:id', ...reader, one, page, async (ctx) => {
    const found = await requireCase(knex, ctx);
    const query = ctx.state.query as Page;
    const evidence = (await listEvidence(knex, found.id, query)).map(presentEvidence);
    answer(ctx, found);
    ctx.body = {
      ...presentCase(found),
      evidence,
      next_page_token: nextToken(evidence, query),
    };
  });

  router.patch(
    '/v2/admin/cases/:id',
    ...officer,
    one,
    validateBody(changeCaseSchema),
    replayable(knex, async (ctx, trx) => {
      const { reason, ...changes } = ctx.request.validBody as CaseChanges & { reason: string };
      const terms = { changes, reason, version: ifMatch(ctx) };
      answer(ctx, await changeCase(trx, idOf(ctx), terms, actorOf(ctx)));
    }),
  );

  router.get('/v2/admin/cases/:id/history', ...reader, one, page, async (ctx) => {
    const { id } = await requireCase(knex, ctx);
    const query = ctx.state.query as Page;
    const history = (await listCaseEvents(knex, id, query)).map(presentCaseEvent);
    ctx.body = { history, next_page_token: nextToken(history, query) };
  });

  router.post(
    '/v2/admin/cases/:id/notes',
    ...officer,
    one,
    validateBody(addNoteSchema),
    replayable(knex, async (ctx, trx) => {
      const { note } = ctx.request.validBody as { note: string };
      ctx.body = presentCaseEvent(await addNote(trx, idOf(ctx), note, actorOf(ctx)));
      ctx.status = 201;
    }),
  );

  return router;
}

const idOf = (ctx: Context): string => (ctx.state.params as { id: string }).id;

async function requireCase(knex: Knex, ctx: Context): Promise<ListedCase> {
  const found = await findCase(knex, idOf(ctx));
  if (!found) throw notFound('case');
  return found;
}

function answer(ctx: Context, row: ListedCase): void {
  ctx.set('ETag', `"${row.version}"`);
  ctx.body = presentCase(row);
}
