import Router from '@koa/router';
import type { Asset } from '../assets/model.js';
import { notFound } from '../errors.js';
import { requireScope } from '../http/require-role.js';
import { validateParams, validateQuery } from '../http/validate.js';
import type { MarketDataRoutesDeps } from './bars-routes.js';
import { findListed } from './listed.js';
import {
  cryptoQuerySchema,
  stockQuerySchema,
  stocksQuerySchema,
  symbolParamsSchema,
  timesOf,
  type SymbolsQuery,
} from './market-data-schema.js';
import type { AssetClass } from './market-days.js';
import { parseSeq, readPage } from './symbol-pages.js';
import { readLatestTrades, readTrades, type MarketTrade } from './trades-model.js';
import { presentCryptoTrade, presentStockTrade } from './trades-presenter.js';
import {
  cryptoTradesSchema,
  stocksTradesSchema,
  stockTradesSchema,
  type TradesQuery,
} from './trades-schema.js';

/** Live data: what is new is seen within a fifth of a second. */
const CACHED = { name: 'trades', audience: 'everyone', ttlMs: 200 } as const;

/** Every trade, without who made it. */
export function tradesRouter(deps: MarketDataRoutesDeps): Router {
  const { knex, marketHours, now, authenticated, limitRate, cached } = deps;
  const router = new Router();
  const cache = cached(CACHED);
  const reader = [authenticated, limitRate, requireScope('read'), cache] as const;
  const anybody = [limitRate, cache] as const;

  const present = (trade: MarketTrade, asset: Asset): object =>
    asset.class === 'crypto' ? presentCryptoTrade(trade) : presentStockTrade(trade, asset);

  const pageOf = async (symbols: readonly string[], query: TradesQuery, of: AssetClass) => {
    const assets = await findListed(knex, symbols, of);
    const times = timesOf(query, of, marketHours, now());
    const page = await readPage(assets, query, {
      read: ({ id }, after: bigint | null, limit) =>
        readTrades(knex, id, { ...times, sort: query.sort, after, limit }),
      positionOf: ({ seq }) => String(seq),
      parsePosition: parseSeq,
    });
    const found = page.found.map(
      ([asset, trades]) => [asset.symbol, trades.map((trade) => present(trade, asset))] as const,
    );
    return { found, next_page_token: page.nextPageToken };
  };

  const trades = async (query: TradesQuery, of: AssetClass) => {
    const { found, next_page_token } = await pageOf(query.symbols, query, of);
    return { trades: Object.fromEntries(found), next_page_token };
  };

  const latest = async (symbols: readonly string[], of: AssetClass) => {
    const assets = await findListed(knex, symbols, of);
    const found = await readLatestTrades(
      knex,
      assets.map(({ id }) => id),
    );
    const shown = assets.flatMap((asset) => {
      const trade = found.get(asset.id);
      return trade ? [[asset.symbol, present(trade, asset)] as const] : [];
    });
    return Object.fromEntries(shown);
  };

  router.get('/v2/stocks/trades', ...reader, validateQuery(stocksTradesSchema), async (ctx) => {
    ctx.body = await trades(ctx.state.query as TradesQuery, 'us_equity');
  });

  router.get(
    '/v2/stocks/trades/latest',
    ...reader,
    validateQuery(stocksQuerySchema),
    async (ctx) => {
      const { symbols } = ctx.state.query as SymbolsQuery;
      ctx.body = { trades: await latest(symbols, 'us_equity') };
    },
  );

  router.get(
    '/v2/stocks/:symbol/trades',
    ...reader,
    validateParams(symbolParamsSchema),
    validateQuery(stockTradesSchema),
    async (ctx) => {
      const { symbol } = ctx.state.params as { symbol: string };
      const query = ctx.state.query as TradesQuery;
      const { found, next_page_token } = await pageOf([symbol], query, 'us_equity');
      ctx.body = { symbol, trades: found[0]?.[1] ?? [], next_page_token };
    },
  );

  router.get(
    '/v2/stocks/:symbol/trades/latest',
    ...reader,
    validateParams(symbolParamsSchema),
    validateQuery(stockQuerySchema),
    async (ctx) => {
      const { symbol } = ctx.state.params as { symbol: string };
      const trade = (await latest([symbol], 'us_equity'))[symbol];
      if (!trade) throw notFound(`trade in ${symbol}`);
      ctx.body = { symbol, trade };
    },
  );

  router.get(
    '/v1beta3/crypto/us/trades',
    ...anybody,
    validateQuery(cryptoTradesSchema),
    async (ctx) => {
      ctx.body = await trades(ctx.state.query as TradesQuery, 'crypto');
    },
  );

  router.get(
    '/v1beta3/crypto/us/latest/trades',
    ...anybody,
    validateQuery(cryptoQuerySchema),
    async (ctx) => {
      const { symbols } = ctx.state.query as SymbolsQuery;
      ctx.body = { trades: await latest(symbols, 'crypto') };
    },
  );

  return router;
}
