import Router from '@koa/router';
import Joi from 'joi';
import type { Asset } from '../assets/model.js';
import { notFound } from '../errors.js';
import { answerSchema, type Operation } from '../http/operation.js';
import { requireScope } from '../http/require-role.js';
import { validateParams, validateQuery } from '../http/validate.js';
import { presentBar } from './bars-presenter.js';
import { barSchema } from './bars-schema.js';
import { presentCryptoQuote, presentStockQuote } from './book-presenter.js';
import type { BookRoutesDeps } from './book-routes.js';
import { cryptoQuoteSchema, stockQuoteSchema } from './book-schema.js';
import { findListed } from './listed.js';
import {
  bySymbol,
  cryptoQuerySchema,
  MARKET_DATA_TAG as tag,
  PUBLIC_PROBLEMS,
  stockQuerySchema,
  stocksQuerySchema,
  symbolParamsSchema,
  type SymbolsQuery,
} from './market-data-schema.js';
import { readSnapshots, type Snapshot } from './snapshots.js';
import { presentCryptoTrade, presentStockTrade } from './trades-presenter.js';
import { cryptoTradeSchema, stockTradeSchema } from './trades-schema.js';

/** Live data: what is new is seen within a fifth of a second. */
const CACHED = { name: 'snapshots', audience: 'everyone', ttlMs: 200 } as const;

/** All that is known of a market at once. */
export function snapshotsRouter(deps: BookRoutesDeps): Router {
  const { db, authenticated, limitRate, cached, now } = deps;
  const cache = cached(CACHED);
  const router = new Router();
  const reader = [authenticated, limitRate, requireScope('read'), cache] as const;

  const snapshots = async (assets: readonly Asset[]) => {
    const asOf = now();
    const found = await readSnapshots(
      db,
      assets.map(({ id }) => id),
    );
    return assets.map((asset, index) => present(asset, found[index]!, asOf));
  };
  const named = async (symbols: readonly string[], of: 'us_equity' | 'crypto') => {
    const assets = await findListed(db.knex, symbols, of);
    const shown = await snapshots(assets);
    return Object.fromEntries(assets.map(({ symbol }, index) => [symbol, shown[index]]));
  };

  router.get('/v2/stocks/snapshots', ...reader, validateQuery(stocksQuerySchema), async (ctx) => {
    ctx.body = await named((ctx.state.query as SymbolsQuery).symbols, 'us_equity');
  });

  router.get(
    '/v2/stocks/:symbol/snapshot',
    ...reader,
    validateParams(symbolParamsSchema),
    validateQuery(stockQuerySchema),
    async (ctx) => {
      const { symbol: name } = ctx.state.params as { symbol: string };
      const [asset] = await findListed(db.knex, [name], 'us_equity');
      if (!asset) throw notFound(`stock ${name}`);
      const [shown] = await snapshots([asset]);
      ctx.body = { symbol: asset.symbol, ...shown };
    },
  );

  router.get(
    '/v1beta3/crypto/us/snapshots',
    limitRate,
    cache,
    validateQuery(cryptoQuerySchema),
    async (ctx) => {
      ctx.body = { snapshots: await named((ctx.state.query as SymbolsQuery).symbols, 'crypto') };
    },
  );

  return router;
}

/** In Alpaca's shape; what there is not is null. */
function present(asset: Asset, { book, trade, minute, day, dayBefore }: Snapshot, asOf: Date) {
  const isCrypto = asset.class === 'crypto';
  const sale = trade && (isCrypto ? presentCryptoTrade(trade) : presentStockTrade(trade, asset));
  return {
    latestTrade: sale ?? null,
    latestQuote: isCrypto
      ? presentCryptoQuote(book, asOf)
      : presentStockQuote(book, asset.exchange, asOf),
    minuteBar: minute ? presentBar(minute) : null,
    dailyBar: day ? presentBar(day) : null,
    prevDailyBar: dayBefore ? presentBar(dayBefore) : null,
  };
}

const snapshotMembers = (trade: Joi.ObjectSchema, quote: Joi.ObjectSchema) => ({
  latestTrade: trade.allow(null),
  latestQuote: quote,
  minuteBar: barSchema.allow(null).description('The latest minute with a trade'),
  dailyBar: barSchema.allow(null).description('The latest day with a trade'),
  prevDailyBar: barSchema.allow(null).description('The day with a trade before that'),
});
const ofStock = snapshotMembers(stockTradeSchema, stockQuoteSchema);
const stockSnapshot = answerSchema('StockSnapshot', ofStock);
const cryptoSnapshot = answerSchema(
  'CryptoSnapshot',
  snapshotMembers(cryptoTradeSchema, cryptoQuoteSchema),
);

export const snapshotOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/stocks/snapshots',
    cached: true,
    tag,
    access: 'read',
    summary: 'Latest trade, quote and bars of several stocks',
    query: stocksQuerySchema,
    responses: { 200: { description: 'By symbol', schema: bySymbol(stockSnapshot) } },
  },
  {
    method: 'get',
    path: '/v2/stocks/:symbol/snapshot',
    cached: true,
    tag,
    access: 'read',
    summary: 'Latest trade, quote and bars of one stock',
    params: symbolParamsSchema,
    query: stockQuerySchema,
    responses: {
      200: {
        description: 'The snapshot',
        schema: answerSchema('SymbolSnapshot', { symbol: Joi.string(), ...ofStock }),
      },
    },
    problems: [404],
  },
  {
    method: 'get',
    path: '/v1beta3/crypto/us/snapshots',
    cached: true,
    tag,
    access: 'public',
    summary: 'Latest trade, quote and bars of crypto pairs',
    query: cryptoQuerySchema,
    responses: {
      200: {
        description: 'By symbol',
        schema: answerSchema('CryptoSnapshots', { snapshots: bySymbol(cryptoSnapshot) }),
      },
    },
    problems: PUBLIC_PROBLEMS,
  },
];
