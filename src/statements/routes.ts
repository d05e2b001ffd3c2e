import { Readable } from 'node:stream';
import Router from '@koa/router';
import type { Context } from 'koa';
import type { Knex } from 'knex';
import { notFound } from '../errors.js';
import { dateText } from '../http/calendar-date.js';
import type { Guards } from '../http/guards.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { validateParams, validateQuery } from '../http/validate.js';
import { readActivity } from './activity.js';
import { writeCsv } from './csv.js';
import { lineOf, type StatementLine } from './lines.js';
import { findStatement, listStatements, type Statement } from './model.js';
import { writePdf } from './pdf.js';
import { presentSummary, writeJson } from './presenter.js';
import {
  FORMATS,
  listStatementsSchema,
  statementParamsSchema,
  statementQuerySchema,
  TYPES,
  type Format,
  type ListStatementsQuery,
} from './schema.js';

export interface StatementRoutesDeps extends Guards {
  readonly knex: Knex;
}

/** The caller's statements. */
export function statementsRouter({ knex, authenticated, limitRate }: StatementRoutesDeps): Router {
  const router = new Router();
  const read = [authenticated, limitRate, requireScope('read'), requireAccount] as const;

  router.get('/v2/statements', ...read, validateQuery(listStatementsSchema), async (ctx) => {
    const { start, end, limit, page_token: before } = ctx.state.query as ListStatementsQuery;
    const { accountId } = ctx.state;
    const found = await listStatements(knex, accountId, { start, end, before, limit: limit + 1 });
    const page = found.slice(0, limit);
    ctx.set('Cache-Control', 'no-store');
    ctx.body = {
      statements: page.map(presentSummary),
      next_page_token: found.length > limit ? page.at(-1)!.date : null,
    };
  });

  router.get(
    '/v2/statements/:date',
    ...read,
    validateParams(statementParamsSchema),
    validateQuery(statementQuerySchema),
    async (ctx) => {
      const { date } = ctx.state.params as { date: Date };
      const statement = await findStatement(knex, ctx.state.accountId, date);
      if (!statement) throw notFound(`statement of ${dateText(date)}`);
      ctx.vary('Accept');
      ctx.set('Cache-Control', 'no-store');
      await answer(ctx, statement, knex);
    },
  );

  return router;
}

/** `format` decides, then `Accept`; who asks for neither of the three gets JSON. */
function formatOf(ctx: Context): Format {
  const { format } = ctx.state.query as { format?: Format };
  const accepted = ctx.accepts(...FORMATS.map((one) => TYPES[one]));
  return format ?? FORMATS.find((one) => TYPES[one] === accepted) ?? 'json';
}

async function answer(ctx: Context, statement: Statement, knex: Knex): Promise<void> {
  const format = formatOf(ctx);
  const { accountNumber, date } = statement;
  ctx.type = TYPES[format];
  if (format === 'json') {
    ctx.body = Readable.from(writeJson(statement, readActivity(knex, statement, true)));
    return;
  }
  ctx.attachment(`statement-${accountNumber}-${date}.${format}`);
  const lines = readLines(knex, statement);
  ctx.body = format === 'csv' ? writeCsv(statement, lines) : await writePdf(statement, lines);
  ctx.type = TYPES[format]; // a body without a type of its own resets it
}

async function* readLines(knex: Knex, statement: Statement): AsyncGenerator<StatementLine> {
  for await (const activity of readActivity(knex, statement, false)) yield lineOf(activity);
}
