import Router from '@koa/router';
import Joi from 'joi';
import { marketClock, type MarketHours } from '../domain/clock.js';
import type { Guards } from '../http/guards.js';
import { answerSchema, timeText, type Operation } from '../http/operation.js';
import { requireScope } from '../http/require-role.js';

export interface ClockRoutesDeps extends Guards {
  readonly marketHours: MarketHours;
  readonly now: () => Date;
}

/** The market's clock. */
export function clockRouter(deps: ClockRoutesDeps): Router {
  const { marketHours, now, authenticated, limitRate } = deps;
  const router = new Router();

  router.get('/v2/clock', authenticated, limitRate, requireScope('read'), (ctx) => {
    const time = now();
    const { isOpen, nextOpen, nextClose } = marketClock(time, marketHours);
    ctx.body = {
      timestamp: withOffset(time),
      is_open: isOpen,
      next_open: withOffset(nextOpen),
      next_close: withOffset(nextClose),
    };
  });

  return router;
}

/** Alpaca's SDKs for Python parse the clock's times only with a numeric offset. */
const withOffset = (time: Date): string => time.toISOString().replace('Z', '+00:00');

export const clockSchema = answerSchema('Clock', {
  timestamp: timeText,
  is_open: Joi.boolean(),
  next_open: timeText,
  next_close: timeText,
});

export const clockOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/clock',
    tag: 'Market',
    access: 'read',
    summary: 'Whether the market is open',
    responses: { 200: { description: 'The clock', schema: clockSchema } },
  },
];
