import Router from '@koa/router';
import { marketDay } from '../domain/calendar.js';
import type { MarketHours } from '../domain/clock.js';
import { invalid } from '../errors.js';
import { dateText } from '../http/calendar-date.js';
import type { Guards } from '../http/guards.js';
import { requireScope } from '../http/require-role.js';
import { validateParams, validateQuery } from '../http/validate.js';
import { presentCalendarDay, presentMarketDay } from './calendar-presenter.js';
import {
  CALENDAR_FIRST,
  CALENDAR_LAST,
  calendarQuerySchema,
  marketCalendarQuerySchema,
  marketParamsSchema,
  type CalendarQuery,
  type MarketCalendarQuery,
  type MarketParams,
} from './calendar-schema.js';
import { inHours } from './markets.js';
import { TradingYears } from './trading-years.js';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
/** The longest between trading and settlement, weekends and holidays included. */
const SETTLEMENT_DAYS_MAX = 10;

const CACHED = { name: 'calendar', audience: 'everyone', ttlMs: 1_000 } as const;

export interface MarketRoutesDeps extends Guards {
  readonly marketHours: MarketHours;
  readonly now: () => Date;
}

/** The market's calendar. */
export function calendarRouter(deps: MarketRoutesDeps): Router {
  const { marketHours, now, authenticated, limitRate, cached } = deps;
  const router = new Router();
  const reader = [authenticated, limitRate, requireScope('read'), cached(CACHED)] as const;
  const years = new TradingYears(marketHours);
  const known = (first: Date, last: Date) =>
    years.days(
      first < CALENDAR_FIRST ? CALENDAR_FIRST : first,
      last > CALENDAR_LAST ? CALENDAR_LAST : last,
    );

  router.get('/v2/calendar', ...reader, validateQuery(calendarQuerySchema), async (ctx) => {
    const query = ctx.state.query as CalendarQuery;
    const { start = CALENDAR_FIRST, end = CALENDAR_LAST } = query;
    requireOrder(start, end);
    const settles = query.date_type === 'SETTLEMENT';
    const first = settles ? plusDays(start, -SETTLEMENT_DAYS_MAX) : start;
    const days = await known(first, end);
    ctx.body = days
      .filter(({ settlement }) => !settles || (settlement >= start && settlement <= end))
      .map((day) => presentCalendarDay(day, marketHours));
  });

  router.get(
    '/v3/calendar/:market',
    ...reader,
    validateParams(marketParamsSchema),
    validateQuery(marketCalendarQuerySchema),
    async (ctx) => {
      const { market } = ctx.state.params as MarketParams;
      const query = ctx.state.query as MarketCalendarQuery;
      const { start = marketDay(now(), marketHours) } = query;
      const { end = plusDays(start, DEFAULT_DAYS) } = query;
      requireOrder(start, end);
      const days = await known(start, end);
      const inUtc = query.timezone === 'UTC';
      ctx.body = {
        market: inHours(market, marketHours),
        calendar: days.map((day) => presentMarketDay(day, marketHours, inUtc)),
      };
    },
  );

  return router;
}

const plusDays = (day: Date, days: number): Date => new Date(day.getTime() + days * DAY_MS);

/** @throws DomainError 422 */
function requireOrder(start: Date, end: Date): void {
  if (start <= end) return;
  throw invalid(`start (${dateText(start)}) must not be after end (${dateText(end)})`, {
    errors: [{ field: 'start', message: 'must not be after end' }],
  });
}
