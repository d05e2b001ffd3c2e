import Joi from 'joi';
import { pairParamsSchema } from '../assets/schema.js';
import {
  answerSchema,
  decimalText,
  timeText,
  uuidText,
  type Operation,
} from '../http/operation.js';

export const accountSchema = answerSchema('Account', {
  id: uuidText,
  account_number: Joi.string(),
  status: Joi.string().valid('SUBMITTED', 'ACTIVE', 'REJECTED', 'ACCOUNT_CLOSED'),
  crypto_status: Joi.string().valid('SUBMITTED', 'ACTIVE', 'REJECTED', 'ACCOUNT_CLOSED'),
  currency: Joi.string().valid('USD'),
  cash: decimalText.description('The settled balance of the ledger'),
  portfolio_value: decimalText,
  equity: decimalText.description('Cash and the market value of all positions'),
  last_equity: decimalText.description('At the previous close'),
  balance_asof: Joi.string()
    .pattern(/^\d{4}-\d\d-\d\d$/)
    .description('The day of that close'),
  position_market_value: decimalText,
  buying_power: decimalText.description('Cash less what open buy orders and withdrawals hold'),
  regt_buying_power: decimalText,
  daytrading_buying_power: decimalText,
  non_marginable_buying_power: decimalText,
  options_buying_power: decimalText,
  options_approved_level: Joi.valid(0),
  options_trading_level: Joi.valid(0),
  initial_margin: decimalText,
  maintenance_margin: decimalText,
  last_maintenance_margin: decimalText,
  long_market_value: decimalText,
  short_market_value: decimalText,
  sma: decimalText,
  multiplier: decimalText,
  accrued_fees: decimalText,
  pending_reg_taf_fees: decimalText,
  intraday_adjustments: decimalText.description('Cash in and out since then, other than by trades'),
  pending_transfer_in: decimalText.description('Deposits that are under way'),
  pending_transfer_out: decimalText.description('Withdrawals that are under way: held'),
  daytrade_count: Joi.number().integer(),
  pattern_day_trader: Joi.boolean(),
  trading_blocked: Joi.boolean(),
  transfers_blocked: Joi.boolean(),
  account_blocked: Joi.boolean(),
  trade_suspended_by_user: Joi.boolean().description('suspend_trade of your configurations'),
  shorting_enabled: Joi.boolean(),
  created_at: timeText,
});

export const positionSchema = answerSchema('Position', {
  asset_id: uuidText,
  symbol: Joi.string(),
  exchange: Joi.string(),
  asset_class: Joi.string().valid('us_equity', 'crypto'),
  asset_marginable: Joi.boolean(),
  qty: decimalText,
  qty_available: decimalText.description('The quantity less what open sell orders hold'),
  avg_entry_price: decimalText,
  side: Joi.string().valid('long', 'short'),
  market_value: decimalText,
  cost_basis: decimalText,
  unrealized_pl: decimalText,
  unrealized_plpc: decimalText,
  unrealized_intraday_pl: decimalText.description(
    'Since the previous close; of what was bought since then, from its cost',
  ),
  unrealized_intraday_plpc: decimalText,
  current_price: decimalText,
  lastday_price: decimalText,
  change_today: decimalText,
});

export const positionParamsSchema = Joi.object({
  symbol_or_asset_id: Joi.string().required().description('AAPL, BTC%2FUSD, BTCUSD or an asset id'),
});

const tag = 'Account and positions';
const POSITION = { description: 'The position', schema: positionSchema };

export const accountOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/account',
    cached: true,
    tag,
    access: 'read',
    account: true,
    summary: 'Your account',
    responses: { 200: { description: 'The account', schema: accountSchema } },
  },
  {
    method: 'get',
    path: '/v2/positions',
    cached: true,
    tag,
    access: 'read',
    account: true,
    summary: 'Your open positions',
    responses: {
      200: { description: 'By symbol', schema: Joi.array().items(positionSchema) },
    },
  },
  {
    method: 'get',
    path: '/v2/positions/:symbol_or_asset_id',
    cached: true,
    tag,
    access: 'read',
    account: true,
    summary: 'One position',
    params: positionParamsSchema,
    responses: { 200: POSITION },
    problems: [404],
  },
  {
    method: 'get',
    path: '/v2/positions/:base/:quote',
    cached: true,
    tag,
    access: 'read',
    account: true,
    summary: 'One position, its symbol written with a plain slash',
    params: pairParamsSchema,
    responses: { 200: POSITION },
    problems: [404],
  },
];
