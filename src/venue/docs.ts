import Joi from 'joi';
import { ROUTE_STATUSES } from '../domain/venue-route.js';
import { ROUTINGS } from '../domain/venue-routing.js';
import { idempotencyHeaders } from '../http/idempotency.js';
import {
  answerSchema,
  decimalText,
  timeText,
  uuidText,
  type Operation,
} from '../http/operation.js';
import { nextPageToken } from '../http/page.js';
import { reasonSchema } from '../risk/schema.js';
import {
  listRoutesSchema,
  routeIdSchema,
  routingSymbolSchema,
  setRoutingSchema,
} from './schema.js';

const routeSchema = answerSchema('VenueRoute', {
  id: uuidText,
  order_id: uuidText,
  account_id: uuidText,
  symbol: Joi.string(),
  side: Joi.string().valid('buy', 'sell'),
  qty: decimalText,
  filled_qty: decimalText,
  limit_price: decimalText.description('The worst price it may trade at'),
  status: Joi.string().valid(...ROUTE_STATUSES),
  reason: Joi.string().allow(null).description('Why it ended, as the venue or staff say'),
  cancel_requested: Joi.boolean().description('The order ends once the venue is done'),
  close_reason: Joi.string().allow(null).description('Why staff gave it up'),
  disputed: Joi.boolean().description('The venue has contradicted itself or us'),
  good_until: timeText.description('Until then the venue may trade it'),
  created_at: timeText,
  ended_at: timeText.allow(null),
});

const routingSchema = answerSchema('AssetRouting', {
  asset_id: uuidText,
  symbol: Joi.string(),
  routing: Joi.string().valid(...ROUTINGS),
});

const tag = 'External venue';
const staff = { tag, access: 'staff', roles: ['ops', 'compliance', 'admin'] } as const;
const operators = { ...staff, roles: ['ops', 'admin'] } as const;
const routingPath = '/v2/admin/assets/:symbol/routing';

export const venueOperations: readonly Operation[] = [
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/venue/routes',
    summary: 'What was given to the external venue',
    query: listRoutesSchema,
    responses: {
      200: {
        description: 'The newest first',
        schema: answerSchema('VenueRoutesPage', {
          routes: Joi.array().items(routeSchema),
          next_page_token: nextPageToken,
        }),
      },
    },
  },
  {
    ...operators,
    method: 'post',
    path: '/v2/admin/venue/routes/:id/close',
    summary: 'Give up what the external venue does not answer for',
    description:
      'From a minute after `good_until` on. The rest of the order comes back a moment later: it ends, ' +
      'or enters our book. What the venue says after that is disputed, and not booked.',
    headers: idempotencyHeaders,
    params: routeIdSchema,
    body: reasonSchema,
    responses: { 200: { description: 'It is being given up', schema: routeSchema } },
    problems: [404, 409],
  },
  {
    ...operators,
    method: 'post',
    path: '/v2/admin/venue/routes/:id/resolve',
    summary: 'Note that a dispute with the external venue is settled',
    description:
      'Books nothing: what there was to put right was put right with the venue, or by adjustments. ' +
      'Another contradiction disputes the route anew.',
    headers: idempotencyHeaders,
    params: routeIdSchema,
    body: reasonSchema,
    responses: { 200: { description: 'It is not disputed any more', schema: routeSchema } },
    problems: [404, 409],
  },
  {
    ...staff,
    method: 'get',
    path: routingPath,
    summary: 'Where the rest of an asset’s marketable orders goes',
    params: routingSymbolSchema,
    responses: { 200: { description: 'The policy', schema: routingSchema } },
    problems: [404],
  },
  {
    ...operators,
    method: 'put',
    path: routingPath,
    summary: 'Decide where the rest of an asset’s marketable orders goes',
    description:
      'From the next order on. What is at the venue stays there until the venue is done with it.',
    headers: idempotencyHeaders,
    params: routingSymbolSchema,
    body: setRoutingSchema,
    responses: { 200: { description: 'The policy from now on', schema: routingSchema } },
    problems: [404, 409],
  },
];
