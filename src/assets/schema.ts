import Joi from 'joi';
import { answerSchema, decimalText, uuidText, type Operation } from '../http/operation.js';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
const EXCHANGES = ['AMEX', 'ARCA', 'BATS', 'NYSE', 'NASDAQ', 'NYSEARCA', 'OTC', 'CRYPTO'];
const ATTRIBUTES = [
  'ptp_no_exception',
  'ptp_with_exception',
  'ipo',
  'has_options',
  'options_late_close',
  'fractional_eh_enabled',
  'overnight_tradable',
  'overnight_halted',
];
const NAMES_MAX = 500;

/** A comma-separated list; becomes an array. */
const list = (max: number, check: (name: string) => boolean, allowed: string) =>
  Joi.string().custom((text: string, { message }) => {
    const names = text.split(',').map((name) => name.trim());
    if (names.length <= max && names.every(check)) return names;
    return message({ custom: `{#label} must be a comma-separated list of ${allowed}` });
  });

export const listAssetsSchema = Joi.object({
  status: Joi.string().valid('active', 'inactive', 'all'),
  asset_class: Joi.string()
    .valid('us_equity', 'us_option', 'crypto')
    .description('There are no options'),
  exchange: Joi.string()
    .uppercase()
    .valid(...EXCHANGES),
  attributes: list(ATTRIBUTES.length, (name) => ATTRIBUTES.includes(name), ATTRIBUTES.join(', '))
    .allow('')
    .description(`Assets that have one of ${ATTRIBUTES.join(', ')}; ours have none of them`),
  symbols: list(NAMES_MAX, (name) => name !== '', `1 to ${NAMES_MAX} symbols`)
    .max(10_000)
    .description('Such as AAPL,BTC/USD'),
  ids: list(NAMES_MAX, (name) => UUID.test(name), `1 to ${NAMES_MAX} asset ids`).max(20_000),
});

export const assetParamsSchema = Joi.object({
  symbol_or_id: Joi.string().required().description('AAPL, BTC%2FUSD, BTCUSD or an asset id'),
});

/** A pair whose slash is not escaped is two parts of the path. */
export const pairParamsSchema = Joi.object({
  base: Joi.string().required().description('BTC'),
  quote: Joi.string().required().description('USD'),
});

export const assetSchema = answerSchema('Asset', {
  id: uuidText,
  class: Joi.string().valid('us_equity', 'crypto'),
  exchange: Joi.string(),
  symbol: Joi.string(),
  name: Joi.string(),
  status: Joi.string().valid('active', 'inactive'),
  tradable: Joi.boolean(),
  marginable: Joi.boolean(),
  shortable: Joi.boolean(),
  easy_to_borrow: Joi.boolean(),
  fractionable: Joi.boolean(),
  attributes: Joi.array().items(Joi.string()),
  cusip: Joi.valid(null),
}).keys({
  borrow_status: Joi.string().valid('hard_to_borrow').description('Equities only'),
  maintenance_margin_requirement: Joi.number().description('Equities only, in percent'),
  margin_requirement_long: decimalText.description('Equities only, in percent'),
  margin_requirement_short: decimalText.description('Equities only, in percent'),
  min_order_size: decimalText.description('Crypto only'),
  min_trade_increment: decimalText.description('Crypto only'),
  price_increment: decimalText.description('Crypto only'),
});

const tag = 'Assets';
const ASSET = { description: 'The asset', schema: assetSchema };

export const assetOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/assets',
    tag,
    access: 'read',
    summary: 'What can be traded',
    query: listAssetsSchema,
    responses: { 200: { description: 'By symbol', schema: Joi.array().items(assetSchema) } },
  },
  {
    method: 'get',
    path: '/v2/assets/:symbol_or_id',
    tag,
    access: 'read',
    summary: 'One asset',
    params: assetParamsSchema,
    responses: { 200: ASSET },
    problems: [404],
  },
  {
    method: 'get',
    path: '/v2/assets/:base/:quote',
    tag,
    access: 'read',
    summary: 'One asset, its symbol written with a plain slash',
    params: pairParamsSchema,
    responses: { 200: ASSET },
    problems: [404],
  },
];
