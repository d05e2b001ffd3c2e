import Joi from 'joi';
import { listParameter } from '../http/list-parameter.js';
import { answerSchema, decimalText, uuidText, type Operation } from '../http/operation.js';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** Of the wire contract and of its clients' lists, whether or not something of ours trades there. */
const EXCHANGES = [
  ...['AMEX', 'ARCA', 'BATS', 'NYSE', 'NASDAQ', 'NYSEARCA', 'NYSEMKT', 'IEX', 'OTC', 'CRYPTO'],
  ...['ASCX', 'CBSE', 'ERSX', 'FTXU', 'GNSS'],
];
/** Of all that clients may ask for; ours are us_equity and crypto. */
export const ASSET_CLASSES = [
  ...['us_equity', 'us_option', 'crypto', 'crypto_perp', 'treasury', 'corporate'],
  ...['global_equity', 'us_index', 'us_equity_chain', 'ipo'],
];
const ATTRIBUTES = [
  'ptp_no_exception',
  'ptp_with_exception',
  'ipo',
  'has_options',
  'options_enabled',
  'options_late_close',
  'fractional_eh_enabled',
  'overnight_tradable',
  'overnight_halted',
];
const NAMES_MAX = 500;

const list = (max: number, maxLength: number, allowed: string, check: (name: string) => boolean) =>
  listParameter({
    maxLength,
    fault: (names) =>
      names.length <= max && names.every(check)
        ? undefined
        : `must be a list, comma-separated or repeated, of ${allowed}`,
  });

export const listAssetsSchema = Joi.object({
  status: Joi.string().valid('active', 'inactive', 'all'),
  asset_class: Joi.string()
    .valid(...ASSET_CLASSES)
    .description('Ours are us_equity and crypto; of the others there are none'),
  exchange: Joi.string()
    .uppercase()
    .valid(...EXCHANGES, ''),
  attributes: list(ATTRIBUTES.length, 1_000, ATTRIBUTES.join(', '), (name) =>
    ATTRIBUTES.includes(name),
  )
    .allow('')
    .description(`Assets that have one of ${ATTRIBUTES.join(', ')}; ours have none of them`),
  symbols: list(NAMES_MAX, 10_000, `1 to ${NAMES_MAX} symbols`, (name) => name !== '').description(
    'Such as AAPL,BTC/USD',
  ),
  ids: list(NAMES_MAX, 20_000, `1 to ${NAMES_MAX} asset ids`, (name) => UUID.test(name)),
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
    cached: true,
    tag,
    access: 'read',
    summary: 'What can be traded',
    query: listAssetsSchema,
    responses: { 200: { description: 'By symbol', schema: Joi.array().items(assetSchema) } },
  },
  {
    method: 'get',
    path: '/v2/assets/:symbol_or_id',
    cached: true,
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
    cached: true,
    tag,
    access: 'read',
    summary: 'One asset, its symbol written with a plain slash',
    params: pairParamsSchema,
    responses: { 200: ASSET },
    problems: [404],
  },
];
