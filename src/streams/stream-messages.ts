import Joi from 'joi';
import { invalid } from '../errors.js';

/** What a client may send on `/stream`. */
export type StreamMessage =
  | { action: 'authenticate'; credentials: StreamCredentials }
  | { action: 'listen'; streams: string[]; sinceId: bigint | null };

/** As the headers that they stand for; none when the message has none. */
export type StreamCredentials = Readonly<Record<string, string>>;

const NAME_MAX_LENGTH = 64;
const STREAMS_MAX = 32;
const SECRET_MAX_LENGTH = 4_096;

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
      since_id: Joi.alternatives(
        Joi.number().integer().min(0),
        Joi.string().pattern(/^\d{1,18}$/),
      ).messages({ 'alternatives.match': 'data.since_id must be an event_id, or 0' }),
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
    const { streams, since_id: sinceId } = data!;
    return { action, streams, sinceId: sinceId === undefined ? null : BigInt(sinceId) };
  }
  const credentials =
    action === 'auth'
      ? headersOf(key, keySecret)
      : headersOf(data?.key_id, data?.secret_key, data?.oauth_token);
  return { action: 'authenticate', credentials };
}

function headersOf(keyId = '', secretKey = '', token = ''): StreamCredentials {
  if (keyId !== '') return { 'apca-api-key-id': keyId, 'apca-api-secret-key': secretKey };
  return token === '' ? {} : { authorization: `Bearer ${token}` };
}
