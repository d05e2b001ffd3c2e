import Joi from 'joi';
import { waitsForApproval } from '../approvals/schema.js';
import { nextPageToken } from '../http/page.js';
import { idempotencyHeaders } from '../http/idempotency.js';
import {
  answerSchema,
  decimalText,
  timeText,
  uuidText,
  type Operation,
} from '../http/operation.js';
import { reasonSchema } from '../risk/schema.js';
import { STATUS_ON_WIRE } from './presenter.js';
import {
  listStaffTransfersSchema,
  listTransfersSchema,
  paymentEventSchema,
  requestTransferSchema,
  transferIdSchema,
} from './transfer-schema.js';

const status = Joi.string().valid(...Object.values(STATUS_ON_WIRE));

const transfer = {
  id: uuidText,
  account_id: uuidText,
  bank_account_id: uuidText,
  type: Joi.string().valid('ach', 'wire'),
  status,
  amount: decimalText,
  currency: Joi.valid('USD'),
  direction: Joi.string().valid('INCOMING', 'OUTGOING'),
  reason: Joi.string().allow(null).description('Why it was rejected, canceled or returned'),
  created_at: timeText,
  updated_at: timeText,
  expires_at: timeText.description('If it could not be sent until then, it is canceled'),
  settled_at: timeText.allow(null),
};
const transferSchema = answerSchema('Transfer', transfer);

const staffTransfer = {
  ...transfer,
  client_id: uuidText,
  owed: decimalText.description('What the client owes since it came back'),
  disputed: Joi.boolean().description('The payment provider has contradicted itself'),
};
const staffTransferSchema = answerSchema('StaffTransfer', staffTransfer);

const historySchema = answerSchema('TransferHistory', {
  ...staffTransfer,
  events: Joi.array().items(
    answerSchema('TransferEvent', {
      id: uuidText,
      type: Joi.string(),
      status,
      provider_event_id: uuidText.allow(null),
      reason: Joi.string().allow(null),
      occurred_at: timeText,
    }),
  ),
});

const requiredKey = idempotencyHeaders.fork('Idempotency-Key', (key) => key.required());

const tag = 'Transfers';

const clientOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v2/transfers',
    tag,
    access: 'trade',
    account: true,
    summary: 'Deposit or withdraw money',
    description:
      'A deposit is credited once it has settled. A withdrawal holds its amount at once; it needs a ' +
      'session with a second factor within the last 5 minutes, and takes only cash that is settled ' +
      'and not held.',
    headers: requiredKey,
    body: requestTransferSchema,
    responses: { 201: { description: 'Durable; a worker sends it', schema: transferSchema } },
    problems: [404, 409],
  },
  {
    method: 'get',
    path: '/v2/transfers',
    tag,
    access: 'read',
    account: true,
    summary: 'Your transfers',
    query: listTransfersSchema,
    responses: {
      200: { description: 'The newest first', schema: Joi.array().items(transferSchema) },
    },
  },
  {
    method: 'get',
    path: '/v2/transfers/:id',
    tag,
    access: 'read',
    account: true,
    summary: 'One transfer',
    params: transferIdSchema,
    responses: { 200: { description: 'The transfer', schema: transferSchema } },
    problems: [404],
  },
  {
    method: 'delete',
    path: '/v2/transfers/:id',
    tag,
    access: 'trade',
    account: true,
    summary: 'Cancel a transfer that was not sent yet',
    headers: idempotencyHeaders,
    params: transferIdSchema,
    responses: { 204: { description: 'It is canceled, and holds nothing' } },
    problems: [404, 409],
  },
];

const staff = { tag, access: 'staff', roles: ['ops', 'compliance', 'admin'] } as const;

const staffOperations: readonly Operation[] = [
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/transfers',
    summary: 'The transfers of all clients',
    query: listStaffTransfersSchema,
    responses: {
      200: {
        description: 'The newest first',
        schema: answerSchema('StaffTransfersPage', {
          transfers: Joi.array().items(staffTransferSchema),
          next_page_token: nextPageToken,
        }),
      },
    },
  },
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/transfers/:id',
    summary: 'A transfer and its history',
    params: transferIdSchema,
    responses: { 200: { description: 'The transfer', schema: historySchema } },
    problems: [404],
  },
  {
    ...staff,
    roles: ['compliance', 'admin'],
    method: 'post',
    path: '/v2/admin/transfers/:id/reverse',
    summary: 'Take a settled transfer back',
    description:
      'Waits for the approval of a second person. Booked the other way round. What is not there any ' +
      'more of a deposit is owed by the client, whose account is restricted then. Nobody reverses ' +
      'their own.',
    headers: idempotencyHeaders,
    params: transferIdSchema,
    body: reasonSchema,
    responses: waitsForApproval,
    problems: [404, 409],
  },
  {
    ...staff,
    method: 'post',
    path: '/v2/admin/transfers/:id/resolve',
    summary: 'Note that a dispute with the payment provider is settled',
    description:
      'Books nothing: what there was to put right was put right with the provider, or by adjustments. ' +
      'Another contradiction disputes the transfer anew.',
    headers: idempotencyHeaders,
    params: transferIdSchema,
    body: reasonSchema,
    responses: { 200: { description: 'It is not disputed any more', schema: staffTransferSchema } },
    problems: [404, 409],
  },
];

export const transferOperations: readonly Operation[] = [
  ...clientOperations,
  ...staffOperations,
  {
    method: 'post',
    path: '/v2/payment_provider/callbacks',
    tag,
    access: 'public',
    summary: 'For the payment provider: what has become of a payment',
    description:
      'Signed as a Standard Webhook (HMAC-SHA256, at most 5 minutes old). However often and in ' +
      'whatever order events arrive, each takes effect once and in its turn.',
    headers: Joi.object({
      'webhook-id': Joi.string().required().description("The event's id"),
      'webhook-timestamp': Joi.string().required().description('Seconds since 1970'),
      'webhook-signature': Joi.string().required().description('v1,<base64>'),
    }),
    body: paymentEventSchema,
    responses: {
      200: {
        description: 'Received, now or before',
        schema: answerSchema('CallbackReceipt', { received: Joi.valid(true) }),
      },
    },
    problems: [401, 404],
  },
];
