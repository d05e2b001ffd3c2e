import Joi from 'joi';
import { pageQuery } from '../http/page.js';
import type { LimitValues } from '../domain/limit-changes.js';
import { PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { Middleware } from '../http/context.js';
import { decimal } from '../http/decimal.js';
import { validateBody, validateQuery } from '../http/validate.js';
import { CONTROL_ACTIONS } from './control-changes.js';

/** What staff may send. */

const reason = Joi.string()
  .trim()
  .min(1)
  .max(500)
  .required()
  .description('Why; it is recorded with the change');

const amount = (scale: number) =>
  decimal(scale)
    .custom((value: bigint, { message }) =>
      value > 0n ? value : message({ custom: '{#label} must be greater than 0' }),
    )
    .allow(null)
    .default(null);

const whole = (min: number, max: number) =>
  Joi.number().integer().min(min).max(max).allow(null).default(null);

export interface SetLimitsBody extends LimitValues {
  account_id?: string;
  symbol?: string;
  reason: string;
}

export const setLimitsSchema = Joi.object({
  account_id: Joi.string().guid(),
  symbol: Joi.string().max(40).description('AAPL, BTC/USD, BTCUSD or an asset id'),
  max_order_qty: amount(QTY_SCALE).description('Of one order'),
  max_order_notional: amount(PRICE_SCALE).description('Of one order, in dollars'),
  collar_bps: whole(1, 100_000).description(
    "How far from the market an order's price may be, in 1/100 of a percent",
  ),
  max_open_exposure: amount(PRICE_SCALE).description(
    "What an account's open buy orders may come to, in dollars",
  ),
  duplicate_window_ms: whole(0, 60_000).description(
    'An order like another of the account within this time is refused; 0 is off',
  ),
  max_orders_per_second: whole(0, 100_000).description('Of one account; 0 is no limit'),
  reason,
})
  .oxor('account_id', 'symbol')
  .label('SetLimits');

export interface ListLimitsQuery {
  scope?: 'house' | 'account' | 'asset';
  account_id?: string;
  symbol?: string;
  limit: number;
  page_token?: string;
}

export const listLimitsSchema = Joi.object({
  scope: Joi.valid('house', 'account', 'asset'),
  account_id: Joi.string().guid(),
  symbol: Joi.string().max(40),
  ...pageQuery,
}).oxor('account_id', 'symbol');

export const limitsIdSchema = Joi.object({ id: Joi.string().guid().required() });

export interface PageQuery {
  limit: number;
  page_token?: string;
}

export const pageSchema = Joi.object(pageQuery);

export const reasonSchema = Joi.object({ reason }).label('Reason');

export interface SetBandBody {
  band_bps: number | null;
  reason: string;
}

const BAND_BPS_MAX = 5_000;

export const setBandSchema = Joi.object({
  band_bps: Joi.number()
    .integer()
    .min(1)
    .max(BAND_BPS_MAX)
    .allow(null)
    .required()
    .description(
      'How far from its reference price the asset may trade, in 1/100 of a percent; null: no bands',
    ),
  reason,
}).label('SetPriceBand');

const inBody = validateBody(reasonSchema);
const inQuery = validateQuery(reasonSchema);

/** A DELETE may say why in its body or, where a client cannot send one, in the query. */
export const validateReason: Middleware = (ctx, next) => {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = ctx.req.headers;
  return (length === '0' && encoding === undefined ? inQuery : inBody)(ctx, next);
};

export const haltSymbolSchema = Joi.object({
  symbol: Joi.string().max(40).required().description('AAPL, BTC%2FUSD, BTCUSD or an asset id'),
});

export const accountIdSchema = Joi.object({ account_id: Joi.string().guid().required() });

export const listChangesSchema = Joi.object({
  actor_id: Joi.string().guid().description('Who did it'),
  action: Joi.valid(...CONTROL_ACTIONS),
  account_id: Joi.string().guid(),
  symbol: Joi.string().max(40).description('As in the answers: AAPL, BTC/USD'),
  after: Joi.date().iso(),
  until: Joi.date().iso(),
  ...pageQuery,
});
