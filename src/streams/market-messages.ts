import Joi from 'joi';
import type { FeedKind } from '../market/feed.js';
import type { StreamCredentials } from './stream-messages.js';

/** The errors of Alpaca's market data streams, by their codes. */
export const FEED_ERRORS = {
  400: 'invalid syntax',
  401: 'not authenticated',
  402: 'auth failed',
  403: 'already authenticated',
  404: 'auth timeout',
  405: 'symbol limit exceeded',
  406: 'connection limit exceeded',
  407: 'slow client',
  409: 'insufficient subscription',
  410: 'invalid subscribe action for this feed',
  500: 'internal error',
} as const;
export type FeedErrorCode = keyof typeof FEED_ERRORS;

/** What a client of market data is told about its message; the connection stays. */
export class FeedError extends Error {
  constructor(
    readonly feedCode: FeedErrorCode,
    detail?: string,
  ) {
    super(detail === undefined ? FEED_ERRORS[feedCode] : `${FEED_ERRORS[feedCode]}: ${detail}`);
  }
}

/** What clients call the kinds of messages. */
export const CHANNELS = {
  trades: 't',
  quotes: 'q',
  bars: 'b',
  updatedBars: 'u',
  dailyBars: 'd',
  orderbooks: 'o',
} as const satisfies Record<string, FeedKind>;
export type Channel = keyof typeof CHANNELS;
export const CHANNEL_NAMES = Object.keys(CHANNELS) as Channel[];
/** Channels of Alpaca's on which nothing happens here: whoever names them gets nothing. */
const SILENT = ['statuses', 'lulds', 'corrections', 'cancelErrors', 'imbalances'];

/** The symbols that a message names, by channel; `*` is all. */
export type WantedNames = Partial<Record<Channel, string[]>>;

export type MarketMessage =
  | { action: 'auth'; credentials: StreamCredentials }
  | { action: 'subscribe' | 'unsubscribe' | 'snapshot'; wanted: WantedNames };

const SECRET_MAX_LENGTH = 4_096;
const SYMBOL_MAX_LENGTH = 40;
const SYMBOLS_MAX = 500;

const secret = Joi.string().allow('').max(SECRET_MAX_LENGTH);
const symbols = Joi.array().items(Joi.string().max(SYMBOL_MAX_LENGTH)).max(SYMBOLS_MAX).allow(null);
const listsOf = (names: readonly string[]) =>
  Joi.object({ action: Joi.string(), ...Object.fromEntries(names.map((name) => [name, symbols])) });

const messages = {
  auth: Joi.object({ action: Joi.string(), key: secret, secret }).unknown(),
  subscribe: listsOf([...CHANNEL_NAMES, ...SILENT]),
  unsubscribe: listsOf([...CHANNEL_NAMES, ...SILENT]),
  snapshot: listsOf(['orderbooks']),
};

interface Fields extends Partial<Record<Channel, string[] | null>> {
  action: keyof typeof messages;
  key?: string;
  secret?: string;
}

const EXPLAIN: Joi.ValidationOptions = { convert: false, errors: { wrap: { label: false } } };

/** An access token has the key `oauth`, as Alpaca has it. */
const OAUTH = 'oauth';

/** @throws FeedError 400, or 410 for a channel that there is not */
export function parseMarketMessage(message: object): MarketMessage {
  const { action } = message as { action?: unknown };
  if (typeof action !== 'string' || !Object.hasOwn(messages, action)) {
    throw new FeedError(400, `action must be one of ${Object.keys(messages).join(', ')}`);
  }
  const { error } = messages[action as keyof typeof messages].validate(message, EXPLAIN);
  if (error) {
    const isUnknown = error.details[0]?.type === 'object.unknown';
    throw new FeedError(isUnknown ? 410 : 400, error.message);
  }
  const fields = message as Fields;
  if (fields.action !== 'auth') {
    const named = CHANNEL_NAMES.map((channel) => [channel, fields[channel] ?? []] as const);
    return { action: fields.action, wanted: Object.fromEntries(named) };
  }
  const { key = '', secret: keySecret = '' } = fields;
  if (key === OAUTH)
    return { action: 'auth', credentials: { authorization: `Bearer ${keySecret}` } };
  return {
    action: 'auth',
    credentials: { 'apca-api-key-id': key, 'apca-api-secret-key': keySecret },
  };
}
