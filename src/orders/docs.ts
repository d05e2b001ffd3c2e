import Joi from 'joi';
import {
  answerSchema,
  decimalText,
  timeText,
  uuidText,
  type Operation,
} from '../http/operation.js';
import { idempotencyHeaders } from '../http/idempotency.js';
import {
  byClientOrderIdSchema,
  ifMatchSchema,
  INTENTS,
  listOrdersSchema,
  orderIdSchema,
  orderQuerySchema,
  ORDER_TYPES,
  placeOrderSchema,
  replaceOrderSchema,
  TIMES_IN_FORCE,
} from './schema.js';

const optionalTime = timeText.allow(null);
const optionalDecimal = decimalText.allow(null);

const orderMembers = {
  id: uuidText,
  client_order_id: Joi.string(),
  created_at: timeText,
  updated_at: timeText,
  submitted_at: timeText,
  filled_at: optionalTime,
  expires_at: Joi.valid(null).description('Not foretold: a day order ends with its session'),
  expired_at: optionalTime,
  canceled_at: optionalTime,
  failed_at: optionalTime,
  replaced_at: optionalTime,
  replaced_by: uuidText.allow(null),
  replaces: uuidText.allow(null),
  asset_id: uuidText,
  symbol: Joi.string(),
  asset_class: Joi.string().valid('us_equity', 'crypto'),
  notional: optionalDecimal,
  qty: optionalDecimal.description('null when the order is by notional'),
  filled_qty: decimalText,
  filled_avg_price: optionalDecimal,
  order_class: Joi.string().valid('', 'bracket', 'oco', 'oto'),
  order_type: Joi.string().valid(...ORDER_TYPES),
  type: Joi.string().valid(...ORDER_TYPES),
  side: Joi.string().valid('buy', 'sell'),
  position_intent: Joi.string()
    .valid(...Object.values(INTENTS))
    .description('Follows from the side: nothing is sold short'),
  time_in_force: Joi.string().valid(...TIMES_IN_FORCE),
  limit_price: optionalDecimal,
  stop_price: optionalDecimal,
  status: Joi.string().valid(
    'accepted',
    'held',
    'new',
    'partially_filled',
    'filled',
    'canceled',
    'expired',
    'replaced',
    'rejected',
    'pending_cancel',
    'pending_replace',
  ),
  extended_hours: Joi.boolean(),
  trail_percent: optionalDecimal,
  trail_price: optionalDecimal,
  hwm: optionalDecimal.description('The best price that a trailing stop has seen'),
  reason: Joi.string().allow(null).description('Why it was canceled or rejected'),
  commission: optionalDecimal.description('The fees of its executions'),
  triggered_at: optionalTime.description('When its stop was reached'),
  version: Joi.number().integer().description('Counts up with every change; also the ETag'),
};

const legSchema = answerSchema('Leg', { ...orderMembers, legs: Joi.valid(null) });

export const orderSchema = answerSchema('Order', {
  ...orderMembers,
  legs: Joi.array()
    .items(legSchema)
    .allow(null)
    .description('The other orders of a bracket, oco or oto'),
});

const canceledSchema = Joi.array().items(
  answerSchema('CanceledOrder', {
    id: uuidText,
    status: Joi.number().integer(),
    body: Joi.object().unknown().description('The order, or the problem'),
  }),
);

const tag = 'Orders';
const ORDER = { description: 'The order', schema: orderSchema };

export const orderOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v2/orders',
    tag,
    access: 'trade',
    account: true,
    summary: 'Place an order',
    description:
      'The answer means: durable, and what it needs is held. A worker matches it a moment later; ' +
      'its outcome is in the events and in `GET /v2/orders/{id}`.',
    headers: idempotencyHeaders,
    body: placeOrderSchema,
    responses: { 200: ORDER },
    problems: [403, 409],
  },
  {
    method: 'get',
    path: '/v2/orders',
    tag,
    access: 'read',
    account: true,
    summary: 'Your orders',
    query: listOrdersSchema,
    responses: {
      200: { description: 'By time of submission', schema: Joi.array().items(orderSchema) },
    },
  },
  {
    method: 'delete',
    path: '/v2/orders',
    tag,
    access: 'trade',
    account: true,
    summary: 'Cancel all open orders',
    responses: { 207: { description: 'One outcome per open order', schema: canceledSchema } },
  },
  {
    method: 'get',
    path: '/v2/orders\\:by_client_order_id',
    tag,
    access: 'read',
    account: true,
    summary: 'One order, by the id that you gave it',
    query: byClientOrderIdSchema,
    responses: { 200: ORDER },
    problems: [404],
  },
  {
    method: 'get',
    path: '/v2/orders/:id',
    tag,
    access: 'read',
    account: true,
    summary: 'One order',
    params: orderIdSchema,
    query: orderQuerySchema,
    responses: { 200: ORDER },
    problems: [404],
  },
  {
    method: 'patch',
    path: '/v2/orders/:id',
    tag,
    access: 'trade',
    account: true,
    summary: 'Replace an order',
    description:
      'Puts a new order, with an id of its own, in the place of an open one, for what is unfilled ' +
      'of it when its turn comes: `qty` is the whole quantity, what is filled included. The old ' +
      'order becomes `replaced`, or an event `order_replace_rejected` says why not (a fill came ' +
      'first, say). It keeps its place in the queue when only the quantity shrinks.',
    params: orderIdSchema,
    headers: ifMatchSchema,
    body: replaceOrderSchema,
    responses: { 200: { description: 'The new order', schema: orderSchema } },
    problems: [404, 409],
  },
  {
    method: 'delete',
    path: '/v2/orders/:id',
    tag,
    access: 'trade',
    account: true,
    summary: 'Cancel an order',
    params: orderIdSchema,
    responses: { 204: { description: 'The cancellation is under way' } },
    problems: [404],
  },
];
