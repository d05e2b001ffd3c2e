import Joi from 'joi';
import {
  answerSchema,
  decimalText,
  timeText,
  uuidText,
  type Operation,
} from '../http/operation.js';
import { orderSchema } from '../orders/docs.js';

export interface ListEventsQuery {
  since_id: string;
  limit: number;
}

export const listEventsSchema = Joi.object({
  since_id: Joi.string()
    .pattern(/^\d{1,18}$/)
    .default('0')
    .description('The last event_id that you have; 0 for the beginning'),
  limit: Joi.number().integer().min(1).max(500).default(100),
});

const eventSchema = answerSchema('Event', {
  event_id: Joi.number().integer().min(1),
  event: Joi.string().description('new, partial_fill, fill, canceled, ...'),
  timestamp: timeText,
  execution_id: uuidText.allow(null),
  price: decimalText.allow(null).description("The execution's"),
  qty: decimalText.allow(null).description("The execution's"),
  position_qty: decimalText.allow(null).description('After the execution'),
  order: orderSchema.allow(null).description('The order as this event left it'),
});

export const eventsSchema = answerSchema('Events', {
  events: Joi.array().items(eventSchema),
  next_since_id: Joi.number().integer().description('Send it as since_id for the next page'),
});

export const eventOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/events',
    tag: 'Events',
    access: 'read',
    summary: 'What happened on your account',
    description:
      'One log per account; `event_id` counts up from 1 without a gap, so a reader who asks again ' +
      'with `next_since_id` misses nothing and sees nothing twice.',
    query: listEventsSchema,
    responses: { 200: { description: 'A page of the log', schema: eventsSchema } },
  },
];
