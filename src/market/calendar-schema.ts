import Joi from 'joi';
import { calendarDate } from '../http/calendar-date.js';
import { answerSchema, timeText, type Operation } from '../http/operation.js';
import { MARKET_NAMES, type MarketName } from './markets.js';

/** What is computed; a range that is asked for may go beyond. */
export const CALENDAR_FIRST = new Date('1970-01-01');
export const CALENDAR_LAST = new Date('2029-12-31');

export interface CalendarQuery {
  start?: Date;
  end?: Date;
  date_type: 'TRADING' | 'SETTLEMENT';
}

export const calendarQuerySchema = Joi.object({
  start: calendarDate.description('The first day; 1970-01-01 when absent'),
  end: calendarDate.description('The last day; 2029-12-31 when absent'),
  date_type: Joi.string()
    .valid('TRADING', 'SETTLEMENT')
    .default('TRADING')
    .description('Whether start and end are days of trading or of settlement'),
});

export interface MarketCalendarQuery {
  start?: Date;
  end?: Date;
  timezone?: 'UTC';
}

export const marketCalendarQuerySchema = Joi.object({
  start: calendarDate.description('The first day; today when absent'),
  end: calendarDate.description('The last day; 30 days after the first when absent'),
  timezone: Joi.string().valid('UTC').description("The market's own when absent"),
});

export const marketParamsSchema = Joi.object({
  market: Joi.string()
    .valid(...MARKET_NAMES)
    .required(),
});

export interface MarketParams {
  market: MarketName;
}

const dateOnly = Joi.string().pattern(/^\d{4}-\d\d-\d\d$/);

export const calendarSchema = Joi.array().items(
  answerSchema('CalendarDay', {
    date: dateOnly,
    open: Joi.string()
      .pattern(/^\d\d:\d\d$/)
      .description("On the market's clock"),
    close: Joi.string().pattern(/^\d\d:\d\d$/),
    session_open: Joi.string()
      .pattern(/^\d{4}$/)
      .description('With the extended hours, such as 0400'),
    session_close: Joi.string().pattern(/^\d{4}$/),
    settlement_date: dateOnly,
  }),
);

export const marketSchema = answerSchema('Market', {
  mic: Joi.string(),
  bic: Joi.string().allow(null),
  acronym: Joi.string(),
  name: Joi.string(),
  timezone: Joi.string(),
});

export const marketCalendarSchema = answerSchema('MarketCalendar', {
  market: marketSchema,
  calendar: Joi.array().items(
    answerSchema('MarketDay', {
      date: dateOnly,
      core_start: timeText,
      core_end: timeText,
      pre_start: timeText.allow(null),
      pre_end: timeText.allow(null),
      lunch_start: timeText.allow(null),
      lunch_end: timeText.allow(null),
      post_start: timeText.allow(null),
      post_end: timeText.allow(null),
      settlement_date: dateOnly,
    }),
  ),
});

const tag = 'Market';

export const calendarOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/calendar',
    cached: true,
    tag,
    access: 'read',
    summary: 'The days on which the market trades',
    description:
      "From 1970 to 2029. Computed by the NYSE's rules of since 2022, for earlier years too; closures that no rule " +
      'foretells are not in it. With MARKET_HOURS=always every day trades, 00:00 to 23:59 UTC.',
    query: calendarQuerySchema,
    responses: { 200: { description: 'By date', schema: calendarSchema } },
  },
  {
    method: 'get',
    path: '/v3/calendar/:market',
    cached: true,
    tag,
    access: 'read',
    summary: 'The trading days of one market, with their sessions',
    params: marketParamsSchema,
    query: marketCalendarQuerySchema,
    responses: { 200: { description: 'By date', schema: marketCalendarSchema } },
  },
];
