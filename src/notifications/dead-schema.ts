import Joi from 'joi';
import { idempotencyHeaders } from '../http/idempotency.js';
import { answerSchema, timeText, uuidText, type Operation } from '../http/operation.js';
import { nextPageToken, pageQuery } from '../http/page.js';
import { deadChannels } from './dead-letters.js';
import { notificationIdSchema } from './schema.js';

export const listDeadSchema = Joi.object({
  channel: Joi.string()
    .valid(...deadChannels)
    .default('email'),
  ...pageQuery,
});

const deadLetterSchema = answerSchema('DeadLetter', {
  id: uuidText,
  channel: Joi.string().valid(...deadChannels),
  event: Joi.string().description('What it tells'),
  client_id: uuidText.allow(null),
  attempts: Joi.number().integer(),
  last_error: Joi.string().allow(null),
  created_at: timeText,
  dead_at: timeText.description('When it was given up'),
});

const staff = { tag: 'Operation', access: 'staff' } as const;

export const deadLetterOperations: readonly Operation[] = [
  {
    ...staff,
    method: 'get',
    path: '/v2/admin/notifications/dead',
    roles: ['ops', 'compliance', 'admin'],
    summary: 'Deliveries that were given up',
    description:
      'Mails after 24 attempts, within about 15 hours; webhooks after days. The newest first.',
    query: listDeadSchema,
    responses: {
      200: {
        description: 'A page',
        schema: answerSchema('DeadLettersPage', {
          dead: Joi.array().items(deadLetterSchema),
          next_page_token: nextPageToken,
        }),
      },
    },
  },
  {
    ...staff,
    method: 'post',
    path: '/v2/admin/notifications/dead/:id/redrive',
    roles: ['ops', 'admin'],
    summary: 'Try one of them again',
    description:
      'A mail with all its attempts before it again, an event of a webhook once. It is audited.',
    headers: idempotencyHeaders,
    params: notificationIdSchema,
    responses: {
      202: {
        description: 'It is due again',
        schema: answerSchema('Redriven', { id: uuidText, status: Joi.string().valid('queued') }),
      },
    },
    problems: [404, 409],
  },
];
