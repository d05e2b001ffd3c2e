import Joi from 'joi';
import { invalid } from '../errors.js';
import type { FeedName } from './feed.js';

/** What a client may send on `/stream`. */
export type StreamMessage =
  | { action: 'authenticate'; credentials: StreamCredentials }
  | {
      action: 'listen';
      streams: string[];
      /** The last line that the client has, by stream; null for what happens from now on. */
      since: Readonly<Record<FeedName, bigint | null>>;
    };

/** As the headers that they stand for; none when the message has none. */
export type StreamCredentials = Readonly<Record<string, string>>;

const NAME_MAX_LENGTH = 64;
const STREAMS_MAX = 32;
const SECRET_MAX_LENGTH = 4_096;

const lastSeen = (field: string, what: string) =>
  Joi.alternatives(Joi.number().integer().min(0), Joi.string().pattern(/^\d{1,18}$/)).messages({
    '*': `data.${field} must be ${what}, or 0`,
  });

const secret = Joi.string().allow('').max(SECRET_MAX_LENGTH);
const messages = {
  authenticate: Joi.object({
    action: Joi.valid('authenticate'),
    data: Joi.object({ key_id: secret, secret_key: secret, oauth_token: secret }).unknown(),
  }).unknown(),
  auth: Joi.object({ action: Joi.valid('auth'), key: secret, secret }).unknown(),
  listen: Joi.object({
    action: Joi.valid('listen'),
    data: Joi.object({
      streams: Joi.array().items(Joi.string().max(NAME_MAX_LENGTH)).max(STREAMS_MAX).required(),
      since_id: lastSeen('since_id', 'an event_id'),
      notifications_since_id: lastSeen('notifications_since_id', "a notification's number"),
    }).required(),
  }),
};
const ACTIONS = Object.keys(messages).join(', ');
const EXPLAIN: Joi.ValidationOptions = { convert: false, errors: { wrap: { label: false } } };

interface Fields {
  key?: string;
  secret?: string;
  data?: {
    key_id?: string;
    secret_key?: string;
    oauth_token?: string;
    streams: string[];
    since_id?: number | string;
    notifications_since_id?: number | string;
  };
}

/** @throws DomainError 422 that names the field */
export function parseStreamMessage(message: object): StreamMessage {
  const { action } = message as { action?: unknown };
  if (typeof action !== 'string' || !Object.hasOwn(messages, action)) {
    const given = action === undefined ? 'missing' : JSON.stringify(action);
    throw invalid(`action was ${given.slice(0, NAME_MAX_LENGTH)}: it must be one of ${ACTIONS}`);
  }
  const { error } = messages[action as keyof typeof messages].validate(message, EXPLAIN);
  if (error) throw invalid(`The message is not valid: ${error.message}`);
  const { key, secret: keySecret, data } = message as Fields;
  if (action === 'listen') {
    const { streams, since_id, notifications_since_id } = data!;
    const since = { trade_updates: idOf(since_id), notifications: idOf(notifications_since_id) };
    return { action, streams, since };
  }
  const credentials =
    action === 'auth'
      ? headersOf(key, keySecret)
      : headersOf(data?.key_id, data?.secret_key, data?.oauth_token);
  return { action: 'authenticate', credentials };
}

const idOf = (given: number | string | undefined): bigint | null =>
  given === undefined ? null : BigInt(given);

function headersOf(keyId = '', secretKey = '', token = ''): StreamCredentials {
  if (keyId !== '') return { 'apca-api-key-id': keyId, 'apca-api-secret-key': secretKey };
  return token === '' ? {} : { authorization: `Bearer ${token}` };
}
