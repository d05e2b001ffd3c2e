import Joi from 'joi';
import { answerSchema, timeText, type Operation } from '../http/operation.js';
import {
  adjustmentParameters,
  asofParameter,
  bySymbol,
  cryptoQuerySchema,
  feedParameters,
  historyParameters,
  MARKET_DATA_TAG as tag,
  nextDataPageToken,
  PUBLIC_PROBLEMS,
  stockQuerySchema,
  stocksQuerySchema,
  symbolList,
  symbolParamsSchema,
  type HistoryQuery,
  type SymbolsQuery,
} from './market-data-schema.js';
import { parseTimeframe, TIMEFRAMES_TEXT, type Timeframe } from './timeframes.js';

export interface BarsQuery extends HistoryQuery, SymbolsQuery {
  readonly timeframe: Timeframe;
}

/** Becomes a Timeframe. */
const timeframe = Joi.string()
  .max(10)
  .required()
  .custom((text: string, { message }): Timeframe | Joi.ErrorReport => {
    const parsed = parseTimeframe(text);
    const wrong = `must be one of ${TIMEFRAMES_TEXT}; it is "${text}"`;
    return parsed ?? message({ custom: '{#label} {#wrong}' }, { wrong });
  })
  .description(TIMEFRAMES_TEXT);

const ofStock = {
  timeframe,
  ...historyParameters,
  ...feedParameters,
  ...adjustmentParameters,
  ...asofParameter,
};

export const stockBarsSchema = Joi.object(ofStock);
export const stocksBarsSchema = Joi.object({ symbols: symbolList, ...ofStock });
export const cryptoBarsSchema = Joi.object({
  symbols: symbolList,
  timeframe,
  ...historyParameters,
});

export const barSchema = answerSchema('Bar', {
  t: timeText.description('When its span begins'),
  o: Joi.number().description('Open'),
  h: Joi.number().description('High'),
  l: Joi.number().description('Low'),
  c: Joi.number().description('Close'),
  v: Joi.number().description('Volume'),
  n: Joi.number().integer().description('Trades'),
  vw: Joi.number().description('Average price, weighted by volume'),
});

const barsSchema = answerSchema('Bars', {
  bars: bySymbol(Joi.array().items(barSchema)),
  next_page_token: nextDataPageToken,
});
const symbolBarsSchema = answerSchema('SymbolBars', {
  symbol: Joi.string(),
  bars: Joi.array().items(barSchema),
  next_page_token: nextDataPageToken,
});
const latestBarsSchema = answerSchema('LatestBars', { bars: bySymbol(barSchema) });
const latestBarSchema = answerSchema('LatestBar', { symbol: Joi.string(), bar: barSchema });

const PAGE = { description: 'A page of bars, by symbol and then by time', schema: barsSchema };
const LATEST = { description: 'By symbol', schema: latestBarsSchema };
const description =
  'Of the trades of this house, without gaps being filled: a span without a trade has no bar. Days ' +
  'begin at midnight in New York when stocks trade in its hours (MARKET_HOURS=nyse), else, and for ' +
  'crypto, at midnight UTC; so do weeks (Mondays) and months. Minutes and hours are counted from ' +
  'midnight UTC.';

export const barOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/stocks/bars',
    cached: true,
    tag,
    access: 'read',
    summary: 'Bars of several stocks',
    description,
    query: stocksBarsSchema,
    responses: { 200: PAGE },
  },
  {
    method: 'get',
    path: '/v2/stocks/bars/latest',
    cached: true,
    tag,
    access: 'read',
    summary: 'The latest minute of several stocks',
    query: stocksQuerySchema,
    responses: { 200: LATEST },
  },
  {
    method: 'get',
    path: '/v2/stocks/:symbol/bars',
    cached: true,
    tag,
    access: 'read',
    summary: 'Bars of one stock',
    description,
    params: symbolParamsSchema,
    query: stockBarsSchema,
    responses: { 200: { description: 'A page of bars, by time', schema: symbolBarsSchema } },
  },
  {
    method: 'get',
    path: '/v2/stocks/:symbol/bars/latest',
    cached: true,
    tag,
    access: 'read',
    summary: 'The latest minute of one stock',
    params: symbolParamsSchema,
    query: stockQuerySchema,
    responses: { 200: { description: 'The bar', schema: latestBarSchema } },
    problems: [404],
  },
  {
    method: 'get',
    path: '/v1beta3/crypto/us/bars',
    cached: true,
    tag,
    access: 'public',
    summary: 'Bars of several pairs of crypto',
    description,
    query: cryptoBarsSchema,
    responses: { 200: PAGE },
    problems: PUBLIC_PROBLEMS,
  },
  {
    method: 'get',
    path: '/v1beta3/crypto/us/latest/bars',
    cached: true,
    tag,
    access: 'public',
    summary: 'The latest minute of several pairs of crypto',
    query: cryptoQuerySchema,
    responses: { 200: LATEST },
    problems: PUBLIC_PROBLEMS,
  },
];
