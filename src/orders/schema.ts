import Joi from 'joi';
import { PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import { decimal } from '../http/decimal.js';

/** What clients may send; names and values are those of Alpaca's Trading API. */

export const ORDER_TYPES = ['market', 'limit', 'stop', 'stop_limit', 'trailing_stop'] as const;
export const TIMES_IN_FORCE = ['day', 'gtc', 'ioc', 'fok', 'opg', 'cls'] as const;

export interface PlaceOrderBody {
  symbol: string;
  qty: bigint;
  side: 'buy' | 'sell';
  type: 'market' | 'limit';
  time_in_force: 'day' | 'gtc' | 'ioc' | 'fok';
  limit_price: bigint | null;
  extended_hours: boolean;
  client_order_id: string | null;
}

/** What the contract knows and this version does not do: only "unset" is accepted. */
const unset = Joi.valid(null).description('must be unset in this version');

export const placeOrderSchema = Joi.object({
  symbol: Joi.string().max(40).required().description('AAPL, BTC/USD, BTCUSD or an asset id'),
  qty: decimal(QTY_SCALE).required().description('shares or coins; up to 9 decimals'),
  side: Joi.valid('buy', 'sell').required(),
  type: Joi.valid('market', 'limit').required(),
  time_in_force: Joi.valid('day', 'gtc', 'ioc', 'fok').required(),
  limit_price: decimal(PRICE_SCALE).allow(null).default(null).description('on the price increment'),
  extended_hours: Joi.boolean().strict().default(false),
  client_order_id: Joi.string().min(1).max(128).allow(null).default(null),
  order_class: Joi.valid('', 'simple', null),
  notional: unset,
  stop_price: unset,
  trail_price: unset,
  trail_percent: unset,
  take_profit: unset,
  stop_loss: unset,
  legs: unset,
}).label('PlaceOrder');

export interface ListOrdersQuery {
  status: 'open' | 'closed' | 'all';
  limit: number;
  direction: 'asc' | 'desc';
  after?: Date;
  until?: Date;
  symbols?: string;
  side?: 'buy' | 'sell';
  after_order_id?: string;
  before_order_id?: string;
}

export const listOrdersSchema = Joi.object({
  status: Joi.valid('open', 'closed', 'all').default('open'),
  limit: Joi.number().integer().min(1).max(500).default(50),
  direction: Joi.valid('asc', 'desc').default('desc'),
  after: Joi.date().iso().description('submitted after this time'),
  until: Joi.date().iso().description('submitted before this time'),
  symbols: Joi.string().max(2_000).description('comma-separated'),
  side: Joi.valid('buy', 'sell'),
  nested: Joi.boolean(),
  after_order_id: Joi.string().guid().description('cursor: orders submitted after this one'),
  before_order_id: Joi.string().guid().description('cursor: orders submitted before this one'),
}).oxor('after_order_id', 'before_order_id');

export const orderIdSchema = Joi.object({ id: Joi.string().guid().required() });

export const byClientOrderIdSchema = Joi.object({
  client_order_id: Joi.string().min(1).max(128).required(),
});

export const orderQuerySchema = Joi.object({ nested: Joi.boolean() });
