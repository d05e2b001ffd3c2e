import Joi from 'joi';
import { answerSchema, timeText, type Operation } from '../http/operation.js';
import {
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

export type TradesQuery = HistoryQuery & SymbolsQuery;

const ofStock = { ...historyParameters, ...feedParameters, ...asofParameter };

export const stockTradesSchema = Joi.object(ofStock);
export const stocksTradesSchema = Joi.object({ symbols: symbolList, ...ofStock });
export const cryptoTradesSchema = Joi.object({ symbols: symbolList, ...historyParameters });

const sale = {
  t: timeText,
  p: Joi.number().description('Price'),
  s: Joi.number().description('Size'),
  i: Joi.number().integer().description('Its number; later trades have higher ones'),
};

export const stockTradeSchema = answerSchema('StockTrade', {
  ...sale,
  x: Joi.string().description('The letter of the exchange that lists the stock'),
  c: Joi.array().items(Joi.string()).description('Conditions: @ is a regular sale'),
  z: Joi.string().description('Tape'),
});
export const cryptoTradeSchema = answerSchema('CryptoTrade', {
  ...sale,
  tks: Joi.string().valid('B', 'S').description('Whether the taker bought or sold'),
});

const page = (name: string, schema: Joi.Schema) =>
  answerSchema(name, {
    trades: bySymbol(Joi.array().items(schema)),
    next_page_token: nextDataPageToken,
  });
const latest = (name: string, schema: Joi.Schema) =>
  answerSchema(name, { trades: bySymbol(schema) });

const symbolTradesSchema = answerSchema('SymbolTrades', {
  symbol: Joi.string(),
  trades: Joi.array().items(stockTradeSchema),
  next_page_token: nextDataPageToken,
});
const latestTradeSchema = answerSchema('LatestTrade', {
  symbol: Joi.string(),
  trade: stockTradeSchema,
});

const description = 'Of this house, in the order in which they were made.';
const PAGE = 'A page of trades, by symbol and then by time';
const LATEST = 'By symbol';

export const tradeOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/stocks/trades',
    cached: true,
    tag,
    access: 'read',
    summary: 'Trades in several stocks',
    description,
    query: stocksTradesSchema,
    responses: { 200: { description: PAGE, schema: page('StockTrades', stockTradeSchema) } },
  },
  {
    method: 'get',
    path: '/v2/stocks/trades/latest',
    cached: true,
    tag,
    access: 'read',
    summary: 'The latest trade in several stocks',
    query: stocksQuerySchema,
    responses: {
      200: { description: LATEST, schema: latest('LatestStockTrades', stockTradeSchema) },
    },
  },
  {
    method: 'get',
    path: '/v2/stocks/:symbol/trades',
    cached: true,
    tag,
    access: 'read',
    summary: 'Trades in one stock',
    description,
    params: symbolParamsSchema,
    query: stockTradesSchema,
    responses: { 200: { description: 'A page of trades, by time', schema: symbolTradesSchema } },
  },
  {
    method: 'get',
    path: '/v2/stocks/:symbol/trades/latest',
    cached: true,
    tag,
    access: 'read',
    summary: 'The latest trade in one stock',
    params: symbolParamsSchema,
    query: stockQuerySchema,
    responses: { 200: { description: 'The trade', schema: latestTradeSchema } },
    problems: [404],
  },
  {
    method: 'get',
    path: '/v1beta3/crypto/us/trades',
    cached: true,
    tag,
    access: 'public',
    summary: 'Trades in several pairs of crypto',
    description,
    query: cryptoTradesSchema,
    responses: { 200: { description: PAGE, schema: page('CryptoTrades', cryptoTradeSchema) } },
    problems: PUBLIC_PROBLEMS,
  },
  {
    method: 'get',
    path: '/v1beta3/crypto/us/latest/trades',
    cached: true,
    tag,
    access: 'public',
    summary: 'The latest trade in several pairs of crypto',
    query: cryptoQuerySchema,
    responses: {
      200: { description: LATEST, schema: latest('LatestCryptoTrades', cryptoTradeSchema) },
    },
    problems: PUBLIC_PROBLEMS,
  },
];
