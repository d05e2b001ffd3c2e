import Joi from 'joi';
import { nextPageToken } from '../http/page.js';
import { waitsForApproval } from '../approvals/schema.js';
import { pairParamsSchema } from '../assets/schema.js';
import { idempotencyHeaders } from '../http/idempotency.js';
import {
  answerSchema,
  decimalText,
  timeText,
  uuidText,
  type Operation,
} from '../http/operation.js';
import { CONTROL_ACTIONS } from './control-changes.js';
import {
  accountIdSchema,
  haltSymbolSchema,
  limitsIdSchema,
  listChangesSchema,
  listLimitsSchema,
  pageSchema,
  reasonSchema,
  setBandSchema,
  setLimitsSchema,
} from './schema.js';

const target = {
  account_id: uuidText.allow(null),
  asset_id: uuidText.allow(null),
  symbol: Joi.string().allow(null),
};
const optionalDecimal = decimalText.allow(null);
const optionalInteger = Joi.number().integer().allow(null);

export const limitsSchema = answerSchema('RiskLimits', {
  id: uuidText,
  ...target,
  max_order_qty: optionalDecimal,
  max_order_notional: optionalDecimal,
  collar_bps: optionalInteger,
  max_open_exposure: optionalDecimal,
  duplicate_window_ms: optionalInteger,
  max_orders_per_second: optionalInteger,
  version: Joi.number().integer().description('Counts up with every change; also the ETag'),
  updated_by: uuidText.allow(null),
  updated_at: timeText,
});

const controlSchema = answerSchema('Control', {
  ...target,
  active: Joi.boolean(),
  reason: Joi.string().allow(null),
  created_by: uuidText.allow(null),
  created_at: timeText.allow(null),
});

const bandWidthSchema = answerSchema('PriceBandWidth', {
  asset_id: uuidText,
  symbol: Joi.string(),
  band_bps: optionalInteger.description('null: the asset has no price bands'),
});

const changeSchema = answerSchema('ControlChange', {
  id: uuidText,
  actor_id: uuidText.allow(null).description("null: one of the house's own jobs"),
  action: Joi.string().valid(...CONTROL_ACTIONS),
  target: Joi.object(target),
  before: Joi.object().unknown().allow(null),
  after: Joi.object().unknown().allow(null),
  reason: Joi.string().allow(null),
  request_id: Joi.string().allow(null),
  ip: Joi.string().allow(null),
  occurred_at: timeText,
});

const pageOf = (name: string, member: string, item: Joi.Schema) =>
  answerSchema(name, {
    [member]: Joi.array().items(item),
    next_page_token: nextPageToken,
  });

const tag = 'Controls';
const staff = { tag, access: 'staff', roles: ['ops', 'compliance', 'admin'] } as const;
const officers = { ...staff, roles: ['compliance', 'admin'] } as const;
const STATE = { 200: { description: 'The state from now on', schema: controlSchema } };
const WHY =
  'The reason is recorded with the change; a DELETE may say it in its body instead. ' +
  'What is that way already stays as it is.';

const limitOperations: readonly Operation[] = [
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/limits',
    summary: 'The limits of the house, of accounts and of assets',
    query: listLimitsSchema,
    responses: {
      200: {
        description: 'The oldest first',
        schema: pageOf('RiskLimitsPage', 'limits', limitsSchema),
      },
    },
  },
  {
    ...officers,
    method: 'put',
    path: '/v2/admin/limits',
    summary: 'Set limits',
    description:
      'Of an account, of an asset, or with neither of the house. What is null is not limited here. ' +
      "For an order each limit is the strictest of its account's and its asset's, else the house's, " +
      'else the setting. What only tightens acts within a second; what loosens anything, or takes a ' +
      "value away, waits for a second person's approval. Send the ETag as `If-Match` to change only " +
      'what you have read. For compliance and admins.',
    headers: idempotencyHeaders,
    body: setLimitsSchema,
    responses: {
      200: { description: 'The limits, in force', schema: limitsSchema },
      ...waitsForApproval,
    },
    problems: [409],
  },
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/limits/:id',
    summary: 'One set of limits',
    params: limitsIdSchema,
    responses: { 200: { description: 'The limits', schema: limitsSchema } },
    problems: [404],
  },
  {
    ...officers,
    method: 'delete',
    path: '/v2/admin/limits/:id',
    summary: 'Take limits away',
    description:
      'Waits for a second person. The reason is recorded; it may stand in the body instead. ' +
      'For compliance and admins.',
    params: limitsIdSchema,
    query: reasonSchema,
    responses: waitsForApproval,
    problems: [404, 409],
  },
];

const bandWidth = {
  ...officers,
  method: 'put',
  description:
    'Recorded with its reason. New bands stand within a second, around the reference that they have, or ' +
    'after the limit state or halt that is under way. ' +
    'For compliance and admins.',
  headers: idempotencyHeaders,
  body: setBandSchema,
  responses: { 200: { description: 'The width from now on', schema: bandWidthSchema } },
  problems: [404, 409],
} as const;

const bandOperations: readonly Operation[] = [
  {
    ...bandWidth,
    path: '/v2/admin/price_bands/:symbol',
    summary: "Set how wide an asset's price bands are",
    params: haltSymbolSchema,
  },
  {
    ...bandWidth,
    path: '/v2/admin/price_bands/:base/:quote',
    summary: "Set how wide an asset's price bands are (symbol with a plain slash)",
    params: pairParamsSchema,
  },
];

/** Reading, turning on and lifting one control. */
const control = (
  path: string,
  name: string,
  set: 'put' | 'post',
  params: Joi.ObjectSchema | undefined,
): Operation[] => {
  const common = { ...staff, path, ...(params && { params }) };
  const problems = params ? [404] : [];
  return [
    ...(params
      ? [
          {
            ...common,
            method: 'get',
            summary: `Whether ${name} is on`,
            responses: { 200: { description: 'The state', schema: controlSchema } },
            problems,
          } as const,
        ]
      : []),
    {
      ...common,
      method: set,
      summary: `Turn on ${name}`,
      description: WHY,
      headers: idempotencyHeaders,
      body: reasonSchema,
      responses: STATE,
      problems: set === 'post' ? [...problems, 409] : problems,
    },
    {
      ...common,
      method: 'delete',
      summary: `Lift ${name}`,
      description: WHY,
      query: reasonSchema,
      responses: STATE,
      problems,
    },
  ];
};

export const riskOperations: readonly Operation[] = [
  ...limitOperations,
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/halts',
    summary: 'The assets that do not trade',
    query: pageSchema,
    responses: {
      200: { description: 'The oldest first', schema: pageOf('HaltsPage', 'halts', controlSchema) },
    },
  },
  ...control('/v2/admin/halts/:symbol', 'the halt of an asset', 'post', haltSymbolSchema),
  ...control(
    '/v2/admin/halts/:base/:quote',
    'the halt of an asset (symbol with a plain slash)',
    'post',
    pairParamsSchema,
  ),
  ...bandOperations,
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/kill_switch',
    summary: 'Which kill switches are on',
    query: pageSchema,
    responses: {
      200: {
        description: "Everybody's, and the accounts with their own",
        schema: answerSchema('KillSwitches', {
          global: controlSchema,
          accounts: Joi.array().items(controlSchema),
          next_page_token: nextPageToken,
        }),
      },
    },
  },
  ...control('/v2/admin/kill_switch', 'the kill switch for everybody', 'put', undefined),
  ...control(
    '/v2/admin/accounts/:account_id/kill_switch',
    'the kill switch of an account',
    'put',
    accountIdSchema,
  ),
  ...control(
    '/v2/admin/accounts/:account_id/restriction',
    'the restriction of an account (no new orders)',
    'put',
    accountIdSchema,
  ),
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/control_changes',
    summary: 'Who changed which control, and why',
    query: listChangesSchema,
    responses: {
      200: {
        description: 'The newest first',
        schema: pageOf('ControlChangesPage', 'control_changes', changeSchema),
      },
    },
  },
];
