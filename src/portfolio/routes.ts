import Router from '@koa/router';
import type { Knex } from 'knex';
import type { JournalType } from '../activities/model.js';
import { newYorkOffsetHours, type MarketHours } from '../domain/clock.js';
import type { Guards } from '../http/guards.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { validateQuery } from '../http/validate.js';
import { readHistory, type HistoryRequest } from './history.js';
import { presentHistory } from './presenter.js';
import { historyQuerySchema, type HistoryQuery } from './schema.js';

export interface PortfolioRoutesDeps extends Guards {
  readonly knex: Knex;
  readonly marketHours: MarketHours;
  readonly now: () => Date;
}

/** What the caller's account was worth over time. */
export function portfolioRouter(deps: PortfolioRoutesDeps): Router {
  const { knex, marketHours, now, authenticated, limitRate, cached } = deps;
  const router = new Router();

  router.get(
    '/v2/account/portfolio/history',
    authenticated,
    limitRate,
    requireScope('read'),
    requireAccount,
    cached({ name: 'portfolio_history', audience: 'account', ttlMs: 1_000 }),
    validateQuery(historyQuerySchema),
    async (ctx) => {
      const request = requestOf(ctx.state.query as HistoryQuery, marketHours);
      const market = { now: now(), marketHours };
      ctx.body = presentHistory(await readHistory(knex, ctx.state.accountId, request, market));
    },
  );

  return router;
}

const HOUR_MS = 3_600_000;
const CASH_TYPES: readonly JournalType[] = ['CSD', 'CSW', 'JNLC'];

function requestOf(query: HistoryQuery, hours: MarketHours): HistoryRequest {
  const { period, timeframe, start, end, date_start: firstDay, date_end: lastDay } = query;
  const extended = query.extended_hours ? 'extended_hours' : 'market_hours';
  return {
    period,
    timeframe,
    start: start ?? (firstDay && midnightOf(firstDay, hours)),
    end: end ?? (lastDay && midnightOf(lastDay, hours, 24)),
    reporting: query.intraday_reporting ?? extended,
    pnlReset: query.pnl_reset,
    cashflowTypes: cashTypesOf(query.cashflow_types),
  };
}

/** When a date begins on the market's clock, or a number of hours later. */
function midnightOf(day: Date, hours: MarketHours, hoursLater = 0): Date {
  const behind = hours === 'nyse' ? newYorkOffsetHours(day) : 0;
  return new Date(day.getTime() + (behind + hoursLater) * HOUR_MS);
}

function cashTypesOf(asked: readonly string[]): JournalType[] {
  return CASH_TYPES.filter((type) => asked.includes('ALL') || asked.includes(type));
}
