import Joi from 'joi';
import { answerSchema, decimalText, timeText, type Operation } from '../http/operation.js';
import {
  bySymbol,
  cryptoQuerySchema,
  MARKET_DATA_TAG as tag,
  PUBLIC_PROBLEMS,
  stockQuerySchema,
  stocksQuerySchema,
  symbolParamsSchema,
} from './market-data-schema.js';

const DEPTH_DEFAULT = 10;
export const DEPTH_MAX = 100;

export interface BookQuery {
  depth: number;
}

export const bookQuerySchema = Joi.object({
  depth: Joi.number()
    .integer()
    .min(1)
    .max(DEPTH_MAX)
    .default(DEPTH_DEFAULT)
    .description('Levels a side, at most'),
});

/** A pair whose slash is not escaped is two parts of the path. */
export const pairParamsSchema = Joi.object({
  base: Joi.string().uppercase().required().description('BTC'),
  quote: Joi.string().uppercase().required().description('USD'),
});

const levelsSchema = Joi.array().items(
  answerSchema('BookLevel', {
    price: decimalText,
    size: decimalText.description('What all its orders still want'),
    orders: Joi.number().integer().min(1),
  }),
);

const bookSchema = answerSchema('Book', {
  symbol: Joi.string(),
  as_of: timeText,
  bids: levelsSchema.description('The highest first'),
  asks: levelsSchema.description('The lowest first'),
});

const price = Joi.number().min(0);

const orderbookLevelsSchema = Joi.array().items(
  answerSchema('OrderbookLevel', { p: price, s: price.description('The size') }),
);
const orderbookSchema = answerSchema('Orderbook', {
  t: timeText,
  b: orderbookLevelsSchema.description('Bids, the highest first'),
  a: orderbookLevelsSchema.description('Asks, the lowest first'),
});

const bid = { bp: price.description('The best bid; 0 when there is none'), bs: price };
const ask = { ap: price.description('The best ask; 0 when there is none'), as: price };

export const stockQuoteSchema = answerSchema('StockQuote', {
  t: timeText,
  ax: Joi.string().description('The letter of the exchange that lists the stock'),
  ...ask,
  bx: Joi.string().description('The same'),
  ...bid,
  c: Joi.array().items(Joi.string()).description('Conditions; R is a regular quote'),
  z: Joi.string().description('Tape'),
});
export const cryptoQuoteSchema = answerSchema('CryptoQuote', { t: timeText, ...bid, ...ask });

const get = { method: 'get', tag } as const;
const BOOK = { 200: { description: 'The book', schema: bookSchema } };

export const bookOperations: readonly Operation[] = [
  {
    ...get,
    path: '/v2/markets/:symbol/book',
    cached: true,
    access: 'read',
    summary: 'The order book of an asset, by price',
    params: symbolParamsSchema,
    query: bookQuerySchema,
    responses: BOOK,
    problems: [404],
  },
  {
    ...get,
    path: '/v2/markets/:base/:quote/book',
    cached: true,
    access: 'read',
    summary: 'The order book of a pair, its symbol written with a plain slash',
    params: pairParamsSchema,
    query: bookQuerySchema,
    responses: BOOK,
    problems: [404],
  },
  {
    ...get,
    path: '/v1beta3/crypto/us/latest/orderbooks',
    cached: true,
    access: 'public',
    summary: 'The order books of crypto pairs',
    query: cryptoQuerySchema,
    responses: {
      200: {
        description: `Up to ${DEPTH_MAX} levels a side, by symbol`,
        schema: answerSchema('Orderbooks', { orderbooks: bySymbol(orderbookSchema) }),
      },
    },
    problems: PUBLIC_PROBLEMS,
  },
  {
    ...get,
    path: '/v1beta3/crypto/us/latest/quotes',
    cached: true,
    access: 'public',
    summary: 'The best bid and ask of crypto pairs',
    query: cryptoQuerySchema,
    responses: {
      200: {
        description: 'By symbol',
        schema: answerSchema('CryptoQuotes', { quotes: bySymbol(cryptoQuoteSchema) }),
      },
    },
    problems: PUBLIC_PROBLEMS,
  },
  {
    ...get,
    path: '/v2/stocks/quotes/latest',
    cached: true,
    access: 'read',
    summary: 'The best bid and ask of stocks',
    query: stocksQuerySchema,
    responses: {
      200: {
        description: 'By symbol',
        schema: answerSchema('StockQuotes', { quotes: bySymbol(stockQuoteSchema) }),
      },
    },
  },
  {
    ...get,
    path: '/v2/stocks/:symbol/quotes/latest',
    cached: true,
    access: 'read',
    summary: 'The best bid and ask of one stock',
    params: symbolParamsSchema,
    query: stockQuerySchema,
    responses: {
      200: {
        description: 'The quote',
        schema: answerSchema('LatestStockQuote', { symbol: Joi.string(), quote: stockQuoteSchema }),
      },
    },
    problems: [404],
  },
];
