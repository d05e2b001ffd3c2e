import Joi from 'joi';
import { PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import { TRAIL_PERCENT_SCALE } from '../domain/triggers.js';
import { ASSET_CLASSES } from '../assets/schema.js';
import { orAbsent } from '../http/absent.js';
import { decimal } from '../http/decimal.js';
import { among, listParameter } from '../http/list-parameter.js';
import type { OrderType, TimeInForce } from './model.js';

/** What clients may send; names and values are those of Alpaca's Trading API. */

export const ORDER_TYPES = ['market', 'limit', 'stop', 'stop_limit', 'trailing_stop'] as const;
export const TIMES_IN_FORCE = ['day', 'gtc', 'ioc', 'fok', 'opg', 'cls'] as const;

export interface PlaceOrderBody {
  symbol: string;
  qty: bigint | null;
  notional: bigint | null;
  side: 'buy' | 'sell';
  type: OrderType;
  time_in_force: TimeInForce;
  limit_price: bigint | null;
  stop_price: bigint | null;
  trail_price: bigint | null;
  trail_percent: bigint | null;
  extended_hours: boolean | null;
  client_order_id: string | null;
  order_class: '' | 'simple' | 'bracket' | 'oco' | 'oto' | null;
  take_profit: { limit_price: bigint } | null;
  stop_loss: {
    stop_price: bigint | null;
    limit_price: bigint | null;
    trail_price: bigint | null;
    trail_percent: bigint | null;
  } | null;
  position_intent?: 'buy_to_open' | 'sell_to_close';
}

/** What the contract knows and this house does not do: only "unset" is accepted. */
const unset = Joi.valid(null).description('must be unset');

const price = decimal(PRICE_SCALE).allow(null).default(null);
const limitPrice = price.description('on the price increment');
const stopPrice = price.description('where a stop is reached');
const trailPrice = price.description('how far a trailing stop stays behind, in USD');
const trailPercent = decimal(TRAIL_PERCENT_SCALE)
  .allow(null)
  .default(null)
  .description('how far a trailing stop stays behind, in percent');
const clientOrderId = orAbsent(Joi.string().max(128));

/** By the side of the order that has it. */
export const INTENTS = { buy: 'buy_to_open', sell: 'sell_to_close' } as const;
export const INTENT_RULE =
  'nothing is sold short here, so a buy is buy_to_open and a sell is sell_to_close';

export const placeOrderSchema = Joi.object({
  symbol: Joi.string().max(40).required().description('AAPL, BTC/USD, BTCUSD or an asset id'),
  qty: decimal(QTY_SCALE)
    .allow(null)
    .default(null)
    .description('shares or coins, up to 9 decimals; this or notional'),
  notional: price.description('what to spend or to raise, in USD; for market and limit orders'),
  side: Joi.valid('buy', 'sell').required(),
  type: Joi.valid(...ORDER_TYPES).required(),
  time_in_force: Joi.valid(...TIMES_IN_FORCE).required(),
  limit_price: limitPrice,
  stop_price: stopPrice,
  trail_price: trailPrice,
  trail_percent: trailPercent,
  extended_hours: Joi.boolean().strict().allow(null).default(false),
  client_order_id: clientOrderId.default(null),
  order_class: Joi.valid('', 'simple', 'bracket', 'oco', 'oto', null).default(''),
  take_profit: Joi.object({
    limit_price: decimal(PRICE_SCALE).required(),
  })
    .allow(null)
    .default(null)
    .description('the leg that takes the profit; of an oco the order itself'),
  stop_loss: Joi.object({
    stop_price: stopPrice,
    limit_price: limitPrice,
    trail_price: trailPrice,
    trail_percent: trailPercent,
  })
    .allow(null)
    .default(null)
    .description('the leg that limits the loss; with a trail instead of stop_price it trails'),
  position_intent: orAbsent(Joi.valid(...Object.values(INTENTS)))
    .messages({ 'any.only': `{#label} "{#value}" is not possible: ${INTENT_RULE}` })
    .description('nothing is sold short here: a buy opens, a sell closes'),
  legs: Joi.array().max(0).allow(null).description('of options: must be unset or empty'),
  advanced_instructions: unset,
}).label('PlaceOrder');

export interface ReplaceOrderBody {
  id?: string;
  qty?: bigint;
  time_in_force?: 'day' | 'gtc';
  limit_price?: bigint;
  stop_price?: bigint;
  trail?: bigint;
  client_order_id?: string;
}

/** No defaults here: what is absent stays as it is, and something must be there. */
const changedPrice = orAbsent(decimal(PRICE_SCALE));

export const replaceOrderSchema = Joi.object({
  id: Joi.string().guid().description("the path's, if you want to repeat it"),
  qty: orAbsent(decimal(QTY_SCALE)).description(
    'the whole quantity, what is filled already included',
  ),
  time_in_force: orAbsent(Joi.valid('day', 'gtc')),
  limit_price: changedPrice.description('on the price increment'),
  stop_price: changedPrice,
  trail: changedPrice.description('the new trail_price or trail_percent, whichever the order has'),
  client_order_id: clientOrderId,
  notional: unset,
  advanced_instructions: unset,
})
  .or('qty', 'time_in_force', 'limit_price', 'stop_price', 'trail', 'client_order_id')
  .label('ReplaceOrder');

export const ifMatchSchema = Joi.object({
  'If-Match': Joi.string().description("the order's ETag, its version: at another one 409"),
});

export interface ListOrdersQuery {
  status: 'open' | 'closed' | 'all';
  limit: number;
  direction: 'asc' | 'desc';
  after?: Date;
  until?: Date;
  symbols?: string[];
  side?: 'buy' | 'sell';
  nested?: boolean;
  asset_class?: string[];
  after_order_id?: string;
  before_order_id?: string;
}

const LISTED_CLASSES = [...ASSET_CLASSES, 'all'];

export const listOrdersSchema = Joi.object({
  status: Joi.valid('open', 'closed', 'all').default('open'),
  limit: Joi.number().integer().min(1).max(500).default(50),
  direction: Joi.valid('asc', 'desc').default('desc'),
  after: Joi.date().iso().description('submitted after this time'),
  until: Joi.date().iso().description('submitted before this time'),
  symbols: listParameter({ maxLength: 2_000 }).description(
    'AAPL, BTC/USD, BTCUSD or asset ids, comma-separated or repeated; unknown ones match nothing',
  ),
  side: Joi.valid('buy', 'sell'),
  nested: Joi.boolean().description('legs under the first order of their group, not beside it'),
  asset_class: listParameter({ maxLength: 100, fault: among(LISTED_CLASSES) }).description(
    'us_equity, crypto or all; comma-separated or repeated',
  ),
  after_order_id: Joi.string().guid().description('cursor: orders submitted after this one'),
  before_order_id: Joi.string().guid().description('cursor: orders submitted before this one'),
}).oxor('after_order_id', 'before_order_id');

export const orderIdSchema = Joi.object({ id: Joi.string().guid().required() });

const nested = Joi.boolean()
  .default(true)
  .description('false: without the legs of a bracket, oco or oto');

export const byClientOrderIdSchema = Joi.object({
  client_order_id: Joi.string().min(1).max(128).required(),
  nested,
});

export const orderQuerySchema = Joi.object({ nested });
