import Joi from 'joi';
import { nextPageToken, pageQuery } from '../../http/page.js';
import { idempotencyHeaders } from '../../http/idempotency.js';
import {
  answerSchema,
  decimalText,
  timeText,
  uuidText,
  type Operation,
} from '../../http/operation.js';
import { ROLES } from '../../identity/principal.js';
import { limitsSchema } from '../../risk/docs.js';
import { reasonSchema } from '../../risk/schema.js';

export const CLIENT_STATUSES = ['pending', 'active', 'suspended', 'rejected', 'closed'] as const;

export const listClientsSchema = Joi.object({
  email: Joi.string().lowercase().max(254).description('The whole address'),
  phone: Joi.string().max(20).description('The whole number, such as %2B14155550123'),
  name: Joi.string()
    .trim()
    .min(1)
    .max(100)
    .description('The beginning of the last name, or of first and last name'),
  status: Joi.valid(...CLIENT_STATUSES),
  role: Joi.valid(...ROLES),
  ...pageQuery,
});

export const clientIdSchema = Joi.object({ id: Joi.string().guid().required() });

const summary = {
  id: uuidText,
  email: Joi.string(),
  phone: Joi.string().allow(null),
  first_name: Joi.string(),
  last_name: Joi.string(),
  role: Joi.string().valid(...ROLES),
  status: Joi.string().valid(...CLIENT_STATUSES),
  status_reason: Joi.string().allow(null),
  masked: Joi.boolean().description('Personal data is hidden from the role ops'),
  created_at: timeText,
  updated_at: timeText,
};

const summarySchema = answerSchema('ClientSummary', summary);

const accountSchema = answerSchema('ClientAccount', {
  id: uuidText,
  account_number: Joi.string(),
  cash: decimalText,
  cash_held: decimalText,
  positions: Joi.number().integer().description('How many assets it has'),
  open_orders: Joi.number().integer(),
  open_transfers: Joi.number().integer().description('Under way, or not paid for yet'),
  kill_switch: Joi.boolean(),
  restricted: Joi.boolean(),
  limits: limitsSchema.allow(null),
});

const fileSchema = answerSchema('ClientFile', {
  ...summary,
  date_of_birth: Joi.string().allow(null),
  address: Joi.object().unknown().allow(null),
  email_verified_at: timeText.allow(null),
  email_undeliverable_at: timeText
    .allow(null)
    .description('Since when a mail server says that there is no such mailbox'),
  email_undeliverable_reason: Joi.string()
    .allow(null)
    .description('What the mail server said; hidden from the role ops'),
  activated_at: timeText.allow(null),
  api_keys: Joi.number().integer().description('Those in force'),
  open_sessions: Joi.number().integer(),
  accounts: Joi.array().items(accountSchema),
});

const tag = 'Clients (staff)';
const staff = { tag, access: 'staff', roles: ['ops', 'compliance', 'admin'] } as const;
const officers = { ...staff, roles: ['compliance', 'admin'] } as const;

const act = (
  common: typeof staff | typeof officers,
  verb: string,
  summary: string,
  description: string,
): Operation => ({
  ...common,
  method: 'post',
  path: `/v2/admin/clients/:id/${verb}`,
  summary,
  description,
  params: clientIdSchema,
  headers: idempotencyHeaders,
  body: reasonSchema,
  responses: { 200: { description: 'The client from now on', schema: summarySchema } },
  problems: [404, 409],
});

export const clientAdminOperations: readonly Operation[] = [
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/clients',
    summary: 'Find clients',
    description: 'It is recorded that somebody searched, and by what.',
    query: listClientsSchema,
    responses: {
      200: {
        description: 'The newest first',
        schema: answerSchema('ClientsPage', {
          clients: Joi.array().items(summarySchema),
          next_page_token: nextPageToken,
        }),
      },
    },
  },
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/clients/:id',
    summary: "A client's file",
    description: 'It is recorded who read it.',
    params: clientIdSchema,
    responses: { 200: { description: 'The file', schema: fileSchema } },
    problems: [404],
  },
  act(
    staff,
    'suspend',
    'Suspend a client',
    'Sessions end, API keys are refused within a second, and the kill switch of every account is ' +
      'turned on: nothing trades any more, and open orders are being cancelled.',
  ),
  act(
    officers,
    'reactivate',
    'Let a suspended client back in',
    'The kill switches that the suspension turned on are lifted; what was cancelled stays so. ' +
      'For compliance and admins.',
  ),
  act(
    officers,
    'close',
    'Close a client',
    'Only with no cash, no positions and no open orders left (409 says what remains), and for ' +
      'good. For compliance and admins.',
  ),
];
