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
  since_id?: string;
  until_id?: string;
  limit: number;
}

/** Fits a bigint of Postgres. */
export const EVENT_ID = /^\d{1,18}$/;

const eventId = Joi.string().pattern(EVENT_ID);

export const listEventsSchema = Joi.object({
  since_id: eventId.description(
    'The last event_id that you have; 0 for the beginning. Without it a page begins at the ' +
      'beginning, and a stream with what happens from now on',
  ),
  until_id: eventId.description('The last event_id that you want; a stream ends after it'),
  limit: Joi.number()
    .integer()
    .min(1)
    .max(500)
    .default(100)
    .description('Of a page; a stream has none'),
});

export interface TradeEventsQuery {
  since?: Date;
  until?: Date;
  since_id?: string;
  until_id?: string;
}

const TIME = /^\d{4}-\d\d-\d\d(T[\d:]+(\.\d+)?(Z|[+-]\d\d:\d\d))?$/;
const BELOW_MS = /\.\d{3}\d*[1-9]/;

/** A moment, which clients tell to the nanosecond, in whole milliseconds: the next one, or the one before. */
const moment = (rounding: 'up' | 'down') =>
  Joi.string()
    .max(40)
    .custom((text: string, { message }) => {
      const ms = TIME.test(text) ? Date.parse(text) : NaN;
      if (Number.isNaN(ms)) {
        const rule = 'must be a date or an RFC 3339 time such as 2026-11-23T09:30:00Z';
        return message({ custom: `{#label} ${rule}; it is "{#value}"` });
      }
      return new Date(rounding === 'up' && BELOW_MS.test(text) ? ms + 1 : ms);
    });

export const tradeEventsSchema = Joi.object({
  since: moment('up').description('Only what happened at this time or later'),
  until: moment('down').description('Only what happened at this time or earlier; then it ends'),
  since_id: eventId.description('The last event_id that you have; 0 for the beginning'),
  until_id: eventId.description('The last event_id that you want; the stream ends after it'),
});

const lastEventIdHeader = Joi.object({
  'Last-Event-ID': eventId.description('For a stream: the last event_id that you have'),
});

const eventSchema = answerSchema('Event', {
  event_id: Joi.number().integer().min(1),
  event: Joi.string().description('new, partial_fill, fill, canceled, ..., transfer.settled, ...'),
  timestamp: timeText,
  execution_id: uuidText.allow(null),
  price: decimalText.allow(null).description("The execution's"),
  qty: decimalText.allow(null).description("The execution's"),
  position_qty: decimalText.allow(null).description('After the execution'),
  data: Joi.object()
    .unknown()
    .allow(null)
    .description('What is told by an event that is not about an order'),
  order: orderSchema.allow(null).description('The order as this event left it'),
});

export const eventsSchema = answerSchema('Events', {
  events: Joi.array().items(eventSchema),
  next_since_id: Joi.number().integer().description('Send it as since_id for the next page'),
});

const eventStream = Joi.string()
  .description('Messages with id: the event_id, event: its type, data: the event as JSON')
  .meta({ name: 'EventStream' });

const tradeStream = Joi.string()
  .description(
    'Messages with id: the event_id, data: the event as JSON in one line, with event, event_id ' +
      '(a text), at, timestamp, execution_id, price, qty, position_qty and order',
  )
  .meta({ name: 'TradeEventStream' });

const TRADES_DESCRIPTION = `The events of \`/v2/events\` that are about orders, as server-sent events
whatever \`Accept\` says. It begins after \`since_id\` and not before \`since\`, with neither of them
with what happens from now on; \`Last-Event-ID\` counts more than \`since_id\`. With \`until\` or
\`until_id\` it ends in good order when that has come. When the server stops, or the client is too
slow, it is cut off: connect again where you were.`;

const DESCRIPTION = `One log per account; \`event_id\` counts up from 1 without a gap. It can be read
in three ways, which all tell the same events in the same order.

**Pages**: whoever asks again with \`next_since_id\` misses nothing and sees nothing twice.

**Server-sent events**, with \`Accept: text/event-stream\`: what is in the log after \`since_id\`, then
what happens, without a gap or a duplicate between the two. \`Last-Event-ID\`, which a browser sends by
itself when it connects again, counts more than \`since_id\`. A comment is sent every 15 s. A message
\`stream_error\` says why we end a stream: the client was too slow (connect again: nothing is lost), or
its credential has expired or was revoked. When there is nothing up to \`until_id\` the answer is 204.

**WebSocket** at \`/stream\`, in Alpaca's protocol:
\`{"action":"authenticate","data":{"key_id":"...","secret_key":"..."}}\`, or \`oauth_token\` with an
access token, or credentials in the headers of the handshake; then
\`{"action":"listen","data":{"streams":["trade_updates"]}}\`. Each event about an order comes as
\`{"stream":"trade_updates","data":{...}}\`. Our extension: \`"since_id"\` beside \`streams\` resumes
after that event. So is the stream \`notifications\` (with \`notifications_since_id\`): what
\`/v2/notifications\` lists, as \`{"stream":"notifications","data":{...}}\`. Messages may be text, or JSON or MessagePack in binary frames; answers come as the
first message did. Close code 1013 means too slow or overloaded, 1008 a credential or limit, 1001 that
the server stops.

An account may have 20 streams open.`;

export const eventOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/events',
    tag: 'Events',
    access: 'read',
    account: true,
    summary: 'What happened on your account: pages, server-sent events, WebSocket',
    description: DESCRIPTION,
    query: listEventsSchema,
    headers: lastEventIdHeader,
    responses: {
      200: {
        description: 'A page of the log, or a stream',
        schema: eventsSchema,
        alternatives: { 'text/event-stream': eventStream },
      },
      204: { description: 'A stream that would be empty: you have everything up to until_id' },
    },
  },
  {
    method: 'get',
    path: '/v2/events/trades',
    tag: 'Events',
    access: 'read',
    account: true,
    summary: 'What happened to your orders, as a stream of server-sent events',
    description: TRADES_DESCRIPTION,
    query: tradeEventsSchema,
    headers: lastEventIdHeader,
    responses: {
      200: { description: 'A stream', type: 'text/event-stream', schema: tradeStream },
    },
  },
];
