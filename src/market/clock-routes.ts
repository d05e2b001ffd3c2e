import Router from '@koa/router';
import Joi from 'joi';
import { marketDay, tradingDay } from '../domain/calendar.js';
import { marketClock, newYorkOffsetHours, type MarketHours } from '../domain/clock.js';
import { answerSchema, timeText, type Operation } from '../http/operation.js';
import { requireScope } from '../http/require-role.js';
import { validateQuery } from '../http/validate.js';
import { withOffset } from './calendar-presenter.js';
import type { MarketRoutesDeps } from './calendar-routes.js';
import { marketSchema } from './calendar-schema.js';
import { DEFAULT_MARKETS, inHours, MARKET_NAMES, type MarketName } from './markets.js';

const DAY_MS = 86_400_000;

const marketClockQuerySchema = Joi.object({
  markets: Joi.string()
    .max(100)
    .custom((text: string, { message }) => {
      const names = text.split(',').map((name) => name.trim().toUpperCase());
      const unknown = names.find((name) => !(MARKET_NAMES as string[]).includes(name));
      if (unknown === undefined) return names;
      const allowed = MARKET_NAMES.join(', ');
      return message({ custom: `{#label} may be a list of ${allowed}; it is "{#value}"` });
    })
    .description(`Comma-separated, of ${MARKET_NAMES.join(', ')}; NYSE and NASDAQ when absent`),
  time: Joi.date().iso().description('The moment that is asked about; now when absent'),
});

/** The clock tells the time: it may be wrong by a part of a second only. */
const CACHED = { name: 'clock', audience: 'everyone', ttlMs: 200 } as const;

/** The market's clock. */
export function clockRouter(deps: MarketRoutesDeps): Router {
  const { marketHours, now, authenticated, limitRate, cached } = deps;
  const router = new Router();

  const reader = [authenticated, limitRate, requireScope('read'), cached(CACHED)] as const;

  router.get('/v2/clock', ...reader, (ctx) => {
    const time = now();
    const { isOpen, nextOpen, nextClose } = marketClock(time, marketHours);
    ctx.body = {
      timestamp: inUtc(time),
      is_open: isOpen,
      next_open: inUtc(nextOpen),
      next_close: inUtc(nextClose),
    };
  });

  router.get('/v3/clock', ...reader, validateQuery(marketClockQuerySchema), (ctx) => {
    const query = ctx.state.query as { markets?: MarketName[]; time?: Date };
    const { markets = DEFAULT_MARKETS, time = now() } = query;
    const clock = presentMarketClock(time, marketHours);
    ctx.body = {
      clocks: markets.map((name) => ({ market: inHours(name, marketHours), ...clock })),
    };
  });

  return router;
}

/** Alpaca's SDKs for Python parse the clock's times only with a numeric offset. */
const inUtc = (time: Date): string => time.toISOString().replace('Z', '+00:00');

type Phase = 'closed' | 'pre' | 'core' | 'post';

/** Where in its day the market is, and until when. It is closed until hours before the next core. */
function phaseAt(time: Date, hours: MarketHours): { phase: Phase; until: Date } {
  const today = marketDay(time, hours);
  for (let day = today; ; day = new Date(day.getTime() + DAY_MS)) {
    const trading = tradingDay(day, hours);
    if (!trading || time >= trading.extendedClose) continue;
    const { extendedOpen, open, close, extendedClose } = trading;
    if (time < extendedOpen) return { phase: 'closed', until: extendedOpen };
    if (time < open) return { phase: 'pre', until: open };
    if (time < close) return { phase: 'core', until: close };
    return { phase: 'post', until: extendedClose };
  }
}

function presentMarketClock(time: Date, hours: MarketHours) {
  const today = marketDay(time, hours);
  const behind = (moment: Date): number =>
    hours === 'nyse' ? newYorkOffsetHours(marketDay(moment, hours)) : 0;
  const text = (moment: Date): string => withOffset(moment, behind(moment));
  const { nextOpen, nextClose } = marketClock(time, hours);
  const { phase, until } = phaseAt(time, hours);
  return {
    timestamp: text(time),
    is_market_day: tradingDay(today, hours) !== null,
    next_market_open: text(nextOpen),
    next_market_close: text(nextClose),
    phase,
    phase_until: text(until),
  };
}

export const clockSchema = answerSchema('Clock', {
  timestamp: timeText,
  is_open: Joi.boolean(),
  next_open: timeText,
  next_close: timeText,
});

export const marketClocksSchema = answerSchema('MarketClocks', {
  clocks: Joi.array().items(
    answerSchema('MarketClock', {
      market: marketSchema,
      timestamp: timeText,
      is_market_day: Joi.boolean(),
      next_market_open: timeText,
      next_market_close: timeText,
      phase: Joi.string().valid('closed', 'pre', 'core', 'lunch', 'post'),
      phase_until: timeText,
    }),
  ),
});

export const clockOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/clock',
    cached: true,
    tag: 'Market',
    access: 'read',
    summary: 'Whether the market is open',
    responses: { 200: { description: 'The clock', schema: clockSchema } },
  },
  {
    method: 'get',
    path: '/v3/clock',
    cached: true,
    tag: 'Market',
    access: 'read',
    summary: "The markets' clocks, with the phase of their day",
    query: marketClockQuerySchema,
    responses: { 200: { description: 'One clock a market', schema: marketClocksSchema } },
  },
];
