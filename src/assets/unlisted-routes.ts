import Router from '@koa/router';
import Joi from 'joi';
import { invalid, notFound } from '../errors.js';
import { calendarDate, dateText } from '../http/calendar-date.js';
import type { Guards } from '../http/guards.js';
import { among, listParameter } from '../http/list-parameter.js';
import { answerSchema, type Operation } from '../http/operation.js';
import { requireScope } from '../http/require-role.js';
import { validateParams, validateQuery } from '../http/validate.js';

const DAY_MS = 86_400_000;
const ANNOUNCEMENT_DAYS_MAX = 90;
const ACTION_TYPES = ['dividend', 'merger', 'spinoff', 'split'];

const announcementsSchema = Joi.object({
  ca_types: listParameter({
    maxLength: 200,
    each: (type) => type.toLowerCase(),
    fault: among(ACTION_TYPES),
  })
    .required()
    .description(`Comma-separated or repeated, of ${ACTION_TYPES.join(', ')}`),
  since: calendarDate.required(),
  until: calendarDate.required().description('At most 90 days after since'),
  symbol: Joi.string().max(40),
  cusip: Joi.string().max(12),
  date_type: Joi.string().valid('declaration_date', 'ex_date', 'record_date', 'payable_date'),
});

const announcementParamsSchema = Joi.object({ id: Joi.string().max(64).required() });

const contractsSchema = Joi.object({
  underlying_symbols: listParameter({ maxLength: 2_000 }),
  show_deliverables: Joi.boolean(),
  status: Joi.string().valid('active', 'inactive'),
  expiration_date: calendarDate,
  expiration_date_gte: calendarDate,
  expiration_date_lte: calendarDate,
  root_symbol: Joi.string().max(40),
  type: Joi.string().valid('call', 'put'),
  style: Joi.string().valid('american', 'european'),
  strike_price_gte: Joi.number().min(0),
  strike_price_lte: Joi.number().min(0),
  page_token: Joi.string().max(100),
  limit: Joi.number().integer().min(1).max(10_000),
  ppind: Joi.boolean(),
});

const contract = Joi.string().max(64).required();
const contractParamsSchema = Joi.object({ symbol_or_id: contract });
const exerciseParamsSchema = Joi.object({ symbol_or_contract_id: contract });

/**
 * What the wire contract has and this brokerage does not: there are no options, and the simulated
 * market announces no corporate actions. Programs that look for some find none.
 */
export function unlistedRouter({ authenticated, limitRate }: Guards): Router {
  const router = new Router();
  const reader = [authenticated, limitRate, requireScope('read')] as const;
  const trader = [authenticated, limitRate, requireScope('trade')] as const;

  router.get(
    '/v2/corporate_actions/announcements',
    ...reader,
    validateQuery(announcementsSchema),
    (ctx) => {
      const { since, until } = ctx.state.query as { since: Date; until: Date };
      const days = (until.getTime() - since.getTime()) / DAY_MS;
      if (days < 0 || days > ANNOUNCEMENT_DAYS_MAX) {
        throw invalid(
          `until (${dateText(until)}) must be 0 to ${ANNOUNCEMENT_DAYS_MAX} days after since ` +
            `(${dateText(since)})`,
        );
      }
      ctx.body = [];
    },
  );

  router.get(
    '/v2/corporate_actions/announcements/:id',
    ...reader,
    validateParams(announcementParamsSchema),
    () => {
      throw notFound('announcement');
    },
  );

  router.get('/v2/options/contracts', ...reader, validateQuery(contractsSchema), (ctx) => {
    ctx.body = { option_contracts: [], next_page_token: null };
  });

  router.get(
    '/v2/options/contracts/:symbol_or_id',
    ...reader,
    validateParams(contractParamsSchema),
    () => {
      throw notFound('option contract');
    },
  );

  router.post(
    '/v2/positions/:symbol_or_contract_id/exercise',
    ...trader,
    validateParams(exerciseParamsSchema),
    () => {
      throw notFound('option contract');
    },
  );

  return router;
}

const NONE = { description: 'Never: there are none' };

export const unlistedOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/corporate_actions/announcements',
    tag: 'Assets',
    access: 'read',
    summary: 'Announcements of corporate actions: there are none in the simulated market',
    query: announcementsSchema,
    responses: {
      200: { description: 'An empty list', schema: Joi.array().items(Joi.object()).max(0) },
    },
  },
  {
    method: 'get',
    path: '/v2/corporate_actions/announcements/:id',
    tag: 'Assets',
    access: 'read',
    summary: 'One announcement: there are none',
    params: announcementParamsSchema,
    responses: { 200: NONE },
    problems: [404],
  },
  {
    method: 'get',
    path: '/v2/options/contracts',
    tag: 'Assets',
    access: 'read',
    summary: 'Option contracts: none are traded here',
    query: contractsSchema,
    responses: {
      200: {
        description: 'An empty list',
        schema: answerSchema('OptionContracts', {
          option_contracts: Joi.array().items(Joi.object()).max(0),
          next_page_token: Joi.valid(null),
        }),
      },
    },
  },
  {
    method: 'get',
    path: '/v2/options/contracts/:symbol_or_id',
    tag: 'Assets',
    access: 'read',
    summary: 'One option contract: none are traded here',
    params: contractParamsSchema,
    responses: { 200: NONE },
    problems: [404],
  },
  {
    method: 'post',
    path: '/v2/positions/:symbol_or_contract_id/exercise',
    tag: 'Assets',
    access: 'trade',
    summary: 'Exercise an option: none are traded here',
    params: exerciseParamsSchema,
    responses: { 200: NONE },
    problems: [404],
  },
];
