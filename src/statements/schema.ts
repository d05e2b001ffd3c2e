import Joi from 'joi';
import { fillSchema, nonTradeSchema } from '../activities/schema.js';
import { calendarDate } from '../http/calendar-date.js';
import {
  answerSchema,
  decimalText,
  timeText,
  uuidText,
  type Operation,
} from '../http/operation.js';
import { PDF_LINES_MAX } from './pdf.js';

export const FORMATS = ['json', 'csv', 'pdf'] as const;
export type Format = (typeof FORMATS)[number];

export const TYPES: Readonly<Record<Format, string>> = {
  json: 'application/json',
  csv: 'text/csv',
  pdf: 'application/pdf',
};

const PAGE_MAX = 500;
const PAGE_DEFAULT = 50;

export interface ListStatementsQuery {
  start?: Date;
  end?: Date;
  limit: number;
  page_token?: Date;
}

export const listStatementsSchema = Joi.object({
  start: calendarDate.description('The first day'),
  end: calendarDate.description('The last day'),
  limit: Joi.number()
    .integer()
    .min(1)
    .max(PAGE_MAX)
    .default(PAGE_DEFAULT)
    .description(`At most ${PAGE_MAX}; ${PAGE_DEFAULT} when absent`),
  page_token: calendarDate.description('next_page_token of the page before'),
});

export const statementParamsSchema = Joi.object({
  date: calendarDate.required().description('The trading day, such as 2026-11-25'),
});

export const statementQuerySchema = Joi.object({
  format: Joi.string()
    .valid(...FORMATS)
    .description('In place of the header Accept'),
});

const dayText = Joi.string().pattern(/^\d{4}-\d\d-\d\d$/);

const summary = {
  date: dayText,
  opens_at: timeText
    .allow(null)
    .description('The close before; null in the first, which has all since the beginning'),
  closes_at: timeText.description('What was booked at this moment or later is not in it'),
  currency: Joi.valid('USD'),
  opening_cash: decimalText,
  deposits: decimalText,
  withdrawals: decimalText.description('What goes out is negative, here and below'),
  adjustments: decimalText,
  purchases: decimalText.description('Without fees'),
  sales: decimalText.description('Without fees'),
  fees: decimalText,
  closing_cash: decimalText.description('The sum of opening_cash and the six after it'),
  position_value: decimalText.description('At the closing prices'),
  equity: decimalText.description('closing_cash and position_value'),
  trades: Joi.number().integer(),
  created_at: timeText,
};

const summarySchema = answerSchema('StatementSummary', summary);

const positionSchema = answerSchema('StatementPosition', {
  asset_id: uuidText,
  symbol: Joi.string(),
  qty: decimalText,
  close_price: decimalText.allow(null).description('The last price before the close'),
  market_value: decimalText,
  cost_basis: decimalText,
  avg_entry_price: decimalText,
  unrealized_pl: decimalText,
});

export const statementsSchema = answerSchema('Statements', {
  statements: Joi.array().items(summarySchema),
  next_page_token: dayText.allow(null).description('Null on the last page'),
});

export const statementSchema = answerSchema('Statement', {
  account_id: uuidText,
  account_number: Joi.string(),
  account_holder: Joi.string(),
  ...summary,
  positions: Joi.array().items(positionSchema).description('By symbol'),
  activities: Joi.array()
    .items(fillSchema, nonTradeSchema)
    .description('As in /v2/account/activities, oldest first'),
});

const tag = 'Statements';

export const statementOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/statements',
    tag,
    access: 'read',
    account: true,
    summary: 'Your statements, one a trading day, newest first',
    query: listStatementsSchema,
    responses: { 200: { description: 'A page', schema: statementsSchema } },
  },
  {
    method: 'get',
    path: '/v2/statements/:date',
    tag,
    access: 'read',
    account: true,
    summary: 'One statement, as JSON, CSV or PDF',
    description:
      'As of the close: cash, positions and their values, fees and activity. It never changes. By ' +
      `Accept or format. A PDF shows ${PDF_LINES_MAX} activities at most; JSON and CSV have all.`,
    params: statementParamsSchema,
    query: statementQuerySchema,
    responses: {
      200: {
        description: 'The statement',
        schema: statementSchema,
        alternatives: { [TYPES.csv]: Joi.string(), [TYPES.pdf]: Joi.string() },
      },
    },
    problems: [404],
  },
];
