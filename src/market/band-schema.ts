import Joi from 'joi';
import { answerSchema, decimalText, timeText, type Operation } from '../http/operation.js';
import { pairParamsSchema } from './book-schema.js';
import { MARKET_DATA_TAG as tag, symbolParamsSchema } from './market-data-schema.js';

const bandPrice = decimalText.allow(null);
const time = timeText.allow(null);

const bandsSchema = answerSchema('PriceBands', {
  symbol: Joi.string(),
  band_bps: Joi.number()
    .integer()
    .allow(null)
    .description('How wide they are on each side, in 1/100 of a percent; null: it has none'),
  state: Joi.string()
    .valid('none', 'normal', 'limit_up', 'limit_down', 'halted')
    .description('limit_up, limit_down: the market presses against an edge'),
  reference: bandPrice.description('What they are around'),
  lower: bandPrice.description('Nothing trades below it'),
  upper: bandPrice.description('Nothing trades above it'),
  moved_at: time.description('When the reference was taken'),
  edge: Joi.string().valid('lower', 'upper').allow(null).description('Where the market presses'),
  since: time.description('Since when it does'),
  halted_until: time.description('When the halt that came of it is lifted'),
});

const common = {
  method: 'get',
  tag,
  cached: true,
  access: 'read',
  responses: { 200: { description: 'The bands', schema: bandsSchema } },
  problems: [404],
} as const;

export const bandOperations: readonly Operation[] = [
  {
    ...common,
    path: '/v2/markets/:symbol/bands',
    summary: 'The price bands of an asset',
    params: symbolParamsSchema,
  },
  {
    ...common,
    path: '/v2/markets/:base/:quote/bands',
    summary: 'The price bands of a pair, its symbol written with a plain slash',
    params: pairParamsSchema,
  },
];
