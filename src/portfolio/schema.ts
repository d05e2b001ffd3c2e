import Joi from 'joi';
import { typeList } from '../activities/schema.js';
import { calendarDate } from '../http/calendar-date.js';
import { answerSchema, type Operation } from '../http/operation.js';
import { REPORTINGS, TIMEFRAMES, type Reporting, type Timeframe } from './range.js';

export interface HistoryQuery {
  period?: string;
  timeframe?: Timeframe;
  start?: Date;
  end?: Date;
  date_start?: Date;
  date_end?: Date;
  intraday_reporting?: Reporting;
  extended_hours: boolean;
  pnl_reset: 'per_day' | 'no_reset';
  cashflow_types: string[];
}

export const historyQuerySchema = Joi.object({
  period: Joi.string()
    .pattern(/^[1-9]\d{0,3}[DWMAY]$/i, 'number and unit, such as 1D, 2W, 3M or 1A')
    .description('Such as 1D, 2W, 3M, 1A; 1M when absent. D counts trading days'),
  timeframe: Joi.string()
    .valid(...TIMEFRAMES)
    .insensitive()
    .description(
      'When absent 1Min for less than 7 days, 15Min for less than 30, otherwise 1D. 1Min is for 7 ' +
        'days at most, the others but 1D for 30',
    ),
  start: Joi.date().iso(),
  end: Joi.date().iso().description('Now when absent'),
  date_start: calendarDate.description('The first day, in place of start'),
  date_end: calendarDate.description('The last day, in place of end'),
  intraday_reporting: Joi.string()
    .valid(...REPORTINGS)
    .description('market_hours when absent; the same when the market never closes'),
  extended_hours: Joi.boolean()
    .default(false)
    .description('The same as intraday_reporting=extended_hours'),
  pnl_reset: Joi.string()
    .valid('per_day', 'no_reset')
    .default('per_day')
    .description('Within days: profit since the close before each day, or since base_value'),
  cashflow_types: Joi.alternatives(
    Joi.string()
      .valid('ALL', 'NONE')
      .custom((text: string) => [text]),
    typeList,
  )
    .default([])
    .description('ALL, NONE, or a comma-separated list; here are CSD, CSW and JNLC'),
})
  .oxor('start', 'date_start')
  .oxor('end', 'date_end');

export const historySchema = answerSchema('PortfolioHistory', {
  timestamp: Joi.array().items(Joi.number().integer()).description('Seconds; when each began'),
  equity: Joi.array()
    .items(Joi.number())
    .description('At the end of each; of the one that is not over, now'),
  profit_loss: Joi.array().items(Joi.number()).description('equity less what it is counted from'),
  profit_loss_pct: Joi.array().items(Joi.number()).description('0.01 is 1 %'),
  base_value: Joi.number(),
  base_value_asof: Joi.string()
    .pattern(/^\d{4}-\d\d-\d\d$/)
    .allow(null)
    .description('The day at whose close it was that; null when it is the first equity'),
  timeframe: Joi.string().valid(...TIMEFRAMES),
  cashflow: Joi.object()
    .pattern(Joi.string(), Joi.array().items(Joi.number()))
    .description('By type, what came in since the beginning'),
});

export const portfolioOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/account/portfolio/history',
    cached: true,
    tag: 'Account and positions',
    access: 'read',
    account: true,
    summary: 'What your account was worth over time',
    description:
      'From records of every minute for 7 days, every 15 minutes for 30 days, and every close. ' +
      'Money is a number here, as in the wire contract. Deposits count as profit: see cashflow.',
    query: historyQuerySchema,
    responses: { 200: { description: 'Parallel lists', schema: historySchema } },
  },
];
