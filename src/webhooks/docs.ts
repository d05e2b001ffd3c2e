import Joi from 'joi';
import { idempotencyHeaders } from '../http/idempotency.js';
import { answerSchema, timeText, uuidText, type Operation } from '../http/operation.js';
import { nextPageToken } from '../http/page.js';
import { DELIVERY_STATUSES } from './model.js';
import {
  deliveryParamsSchema,
  endpointChangeSchema,
  endpointIdSchema,
  listDeliveriesSchema,
  newEndpointSchema,
  replaySchema,
} from './schema.js';
import { ENDPOINTS_MAX } from './service.js';

const count = Joi.number().integer().min(0);

const endpoint = {
  id: uuidText,
  url: Joi.string(),
  description: Joi.string().allow(''),
  events: Joi.array().items(Joi.string()),
  enabled: Joi.boolean(),
  disabled_reason: Joi.string()
    .valid('owner', 'gone', 'failing')
    .allow(null)
    .description('gone: it answered 410; failing: it took nothing for days'),
  disabled_at: timeText.allow(null),
  last_event_id: count.description(
    'The last event that is dealt with; the next one comes after it',
  ),
  failed_attempts: count.description('Of the next event'),
  failing_since: timeText.allow(null).description('The first failure after the last success'),
  next_attempt_at: timeText.allow(null).description('While it waits after a failure'),
  last_success_at: timeText.allow(null),
  previous_secret_until: timeText
    .allow(null)
    .description('Until then messages have two signatures; null before the first rotation'),
  created_at: timeText,
  updated_at: timeText,
};
const endpointSchema = answerSchema('Webhook', endpoint);
const secret = Joi.string().pattern(/^whsec_[A-Za-z0-9+/]+=*$/);
const endpointWithSecret = answerSchema('WebhookWithSecret', { ...endpoint, secret });

const deliverySchema = answerSchema('WebhookDelivery', {
  id: uuidText,
  event_id: count.allow(null).description('null for a test'),
  type: Joi.string(),
  webhook_id: Joi.string().description('The header webhook-id: the same at each attempt'),
  status: Joi.string().valid(...DELIVERY_STATUSES),
  attempts: count.description('All that were made, replays included'),
  attempted_at: timeText.allow(null).description('The last attempt'),
  duration_ms: count.allow(null),
  response_status: count.allow(null).description('null without an answer'),
  response_body: Joi.string().allow('', null).description('The first 1,000 characters'),
  error: Joi.string().allow(null),
  created_at: timeText,
});

const tag = 'Webhooks';
const person = { tag, access: 'person', account: true } as const;
const read = { tag, access: 'read', account: true } as const;
const trade = { tag, access: 'trade', account: true, headers: idempotencyHeaders } as const;
const params = endpointIdSchema;
const ENDPOINT = {
  200: { description: 'The webhook, without its secret', schema: endpointSchema },
};
const QUEUED = { 202: { description: 'It is sent in a moment', schema: deliverySchema } };

const CREATE_DESCRIPTION = `What happens on the account from now on is posted to the URL, in the order
of \`/v2/events\` and signed as a Standard Webhook (\`docs/webhooks.md\`). The secret is shown this
once. An account has ${ENDPOINTS_MAX} webhooks at most. Where the account's data goes is sensitive: this
needs a step-up within the last five minutes (403 with \`step_up_required\`), and the owner gets a
mail. An \`Idempotency-Key\` has no effect: the answer is a secret and is not stored.`;

export const webhookOperations: readonly Operation[] = [
  {
    ...person,
    stepUp: true,
    method: 'post',
    path: '/v2/webhooks',
    summary: 'Set up a webhook',
    description: CREATE_DESCRIPTION,
    body: newEndpointSchema,
    responses: {
      201: { description: 'The webhook and its secret', schema: endpointWithSecret },
    },
  },
  {
    ...read,
    method: 'get',
    path: '/v2/webhooks',
    summary: 'Your webhooks',
    responses: {
      200: {
        description: `The oldest first, ${ENDPOINTS_MAX} at most`,
        schema: answerSchema('Webhooks', { webhooks: Joi.array().items(endpointSchema) }),
      },
    },
  },
  {
    ...read,
    method: 'get',
    path: '/v2/webhooks/:id',
    summary: 'One webhook',
    params,
    responses: ENDPOINT,
    problems: [404],
  },
  {
    ...person,
    stepUp: true,
    method: 'patch',
    path: '/v2/webhooks/:id',
    summary: 'Change a webhook, or turn it off or on again',
    description: 'Turned on again it goes on where it stopped: nothing in between is left out.',
    params,
    body: endpointChangeSchema,
    responses: ENDPOINT,
    problems: [404],
  },
  {
    ...person,
    method: 'delete',
    path: '/v2/webhooks/:id',
    summary: 'Delete a webhook and its delivery log',
    description: 'Needs no step-up: it may be urgent.',
    params,
    responses: { 204: { description: 'Done' } },
    problems: [404],
  },
  {
    ...person,
    stepUp: true,
    method: 'post',
    path: '/v2/webhooks/:id/rotate',
    summary: 'Give a webhook a new secret',
    description:
      'The old one stays valid for a day (or as the operator has set it): until then messages have a ' +
      'signature with each. An `Idempotency-Key` has no effect: the answer is a secret.',
    params,
    responses: {
      200: { description: 'The webhook and its new secret', schema: endpointWithSecret },
    },
    problems: [404],
  },
  {
    ...trade,
    method: 'post',
    path: '/v2/webhooks/:id/test',
    summary: 'Send a test message',
    description:
      'Of the type `webhook.test`, once, signed as all others; also while the webhook is turned off. ' +
      'The delivery log says what came of it.',
    params,
    responses: QUEUED,
    problems: [404, 409],
  },
  {
    ...read,
    method: 'get',
    path: '/v2/webhooks/:id/deliveries',
    summary: 'The delivery log of a webhook',
    description:
      'An entry for each event that was posted, or tried to, with its last attempt. Kept for 30 days. ' +
      'With `status=dead` the dead letters.',
    params,
    query: listDeliveriesSchema,
    responses: {
      200: {
        description: 'The latest first',
        schema: answerSchema('WebhookDeliveries', {
          deliveries: Joi.array().items(deliverySchema),
          next_page_token: nextPageToken,
        }),
      },
    },
    problems: [404],
  },
  {
    ...trade,
    method: 'post',
    path: '/v2/webhooks/:id/deliveries/:event_id/redrive',
    summary: 'Send a dead event once more',
    description: 'Out of order, since later events were sent already; with the same `webhook-id`.',
    params: deliveryParamsSchema,
    responses: QUEUED,
    problems: [404, 409],
  },
  {
    ...trade,
    method: 'post',
    path: '/v2/webhooks/:id/replay',
    summary: 'Post everything from an event on again',
    description: 'In order, with the ids that they had.',
    params,
    body: replaySchema,
    responses: ENDPOINT,
    problems: [404],
  },
];
