import Joi from 'joi';
import { answerSchema, decimalText, uuidText, type Operation } from '../http/operation.js';

export const listAssetsSchema = Joi.object({
  status: Joi.string().valid('active', 'inactive', 'all'),
  asset_class: Joi.string().valid('us_equity', 'crypto'),
  exchange: Joi.string().max(32),
  attributes: Joi.string().allow('').max(256).description('Accepted, and without effect'),
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
}).keys({
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
