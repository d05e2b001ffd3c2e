import Joi from 'joi';
import { knownFilters } from '../domain/webhook-filter.js';
import { orAbsent } from '../http/absent.js';
import { pageLimit } from '../http/page.js';
import { NOTIFICATION_EVENTS } from '../notifications/events.js';
import { DELIVERY_STATUSES, type DeliveryStatus } from './model.js';

/** Orders are in the log by its own types: `fill` and not `order.filled`. */
const OTHER_TYPES = Object.values(NOTIFICATION_EVENTS)
  .flat()
  .filter((type) => !type.startsWith('order.'));
export const EVENT_FILTERS = knownFilters(OTHER_TYPES);

const EVENTS_MAX = 50;

const url = Joi.string()
  .trim()
  .max(2_048)
  .description('https, a public host, no user name; redirects are not followed');
const description = Joi.string().trim().allow('').max(200);
const events = Joi.array()
  .items(Joi.string().valid(...EVENT_FILTERS))
  .min(1)
  .max(EVENTS_MAX)
  .unique()
  .description(
    'What is posted: `*` for everything, `order.*` for whatever is about an order, `transfer.*` ' +
      'and the like, or types as `/v2/events` has them',
  );

export interface NewEndpointBody {
  url: string;
  events: string[];
  description: string;
}

export const newEndpointSchema = Joi.object({
  url: url.required(),
  events: events.default(['*']),
  description: orAbsent(description).default(''),
}).label('NewWebhook');

export interface EndpointChangeBody {
  url?: string;
  events?: string[];
  description?: string;
  enabled?: boolean;
}

export const endpointChangeSchema = Joi.object({
  url,
  events,
  description,
  enabled: Joi.boolean().strict().description('true goes on where it stopped'),
})
  .or('url', 'events', 'description', 'enabled')
  .label('WebhookChange');

/** Fits a bigint of Postgres. */
const eventId = Joi.string()
  .pattern(/^[1-9]\d{0,17}$/)
  .messages({ 'string.pattern.base': '{#label} must be an event_id: a whole number from 1 on' });

export const endpointIdSchema = Joi.object({ id: Joi.string().guid().required() });

export const deliveryParamsSchema = Joi.object({
  id: Joi.string().guid().required(),
  event_id: eventId.required(),
});

export interface ListDeliveriesQuery {
  status?: DeliveryStatus;
  limit: number;
  page_token?: string;
}

export const listDeliveriesSchema = Joi.object({
  status: Joi.string()
    .valid(...DELIVERY_STATUSES)
    .description('dead: the dead letters'),
  limit: pageLimit,
  page_token: Joi.string().guid().description("The last answer's next_page_token"),
});

export const replaySchema = Joi.object({
  from_event_id: Joi.number()
    .integer()
    .min(1)
    .required()
    .description('The first one to post again'),
}).label('WebhookReplay');
