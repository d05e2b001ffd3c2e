import Router from '@koa/router';
import type { Context } from 'koa';
import { findAsset, type Asset } from '../assets/model.js';
import type { Database } from '../db.js';
import { notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { requireScope } from '../http/require-role.js';
import { validateParams, validateQuery } from '../http/validate.js';
import { readBooks, type Book } from './book.js';
import {
  presentBook,
  presentCryptoQuote,
  presentOrderbook,
  presentStockQuote,
} from './book-presenter.js';
import { bookQuerySchema, DEPTH_MAX, pairParamsSchema, type BookQuery } from './book-schema.js';
import { findListed } from './listed.js';
import {
  cryptoQuerySchema,
  stockQuerySchema,
  stocksQuerySchema,
  symbolParamsSchema,
  type SymbolsQuery,
} from './market-data-schema.js';

export interface BookRoutesDeps extends Guards {
  readonly db: Database;
  readonly now: () => Date;
}

/** Live data: what is new is seen within a fifth of a second. */
const CACHED = { name: 'book', audience: 'everyone', ttlMs: 200 } as const;

/** What rests in the order books: all of it by price, and the best of it. */
export function bookRouter(deps: BookRoutesDeps): Router {
  const { db, authenticated, limitRate, cached, now } = deps;
  const { knex } = db;
  const cache = cached(CACHED);
  const router = new Router();
  const reader = [authenticated, limitRate, requireScope('read'), cache] as const;
  const anybody = [limitRate, cache] as const;

  const answerBook = async (ctx: Context, symbol: string): Promise<void> => {
    const asset = await findAsset(knex, symbol);
    if (!asset) throw notFound(`asset ${symbol}`);
    const { depth } = ctx.state.query as BookQuery;
    const asOf = now();
    const [book] = await readBooks(db, [asset.id], depth);
    ctx.body = presentBook(asset.symbol, book!, asOf);
  };

  /** The books of these assets, presented, by symbol. */
  const bySymbol = async (
    assets: readonly Asset[],
    depth: number,
    present: (book: Book, asOf: Date, asset: Asset) => object,
  ) => {
    const asOf = now();
    const ids = assets.map(({ id }) => id);
    const books = await readBooks(db, ids, depth);
    return Object.fromEntries(
      assets.map((asset, index) => [asset.symbol, present(books[index]!, asOf, asset)]),
    );
  };
  const stockQuotes = (assets: readonly Asset[]) =>
    bySymbol(assets, 1, (book, asOf, { exchange }) => presentStockQuote(book, exchange, asOf));

  router.get(
    '/v2/markets/:symbol/book',
    ...reader,
    validateParams(symbolParamsSchema),
    validateQuery(bookQuerySchema),
    (ctx) => answerBook(ctx, (ctx.state.params as { symbol: string }).symbol),
  );

  router.get(
    '/v2/markets/:base/:quote/book',
    ...reader,
    validateParams(pairParamsSchema),
    validateQuery(bookQuerySchema),
    (ctx) => {
      const { base, quote } = ctx.state.params as { base: string; quote: string };
      return answerBook(ctx, `${base}/${quote}`);
    },
  );

  router.get(
    '/v1beta3/crypto/us/latest/orderbooks',
    ...anybody,
    validateQuery(cryptoQuerySchema),
    async (ctx) => {
      const { symbols } = ctx.state.query as SymbolsQuery;
      const assets = await findListed(knex, symbols, 'crypto');
      ctx.body = { orderbooks: await bySymbol(assets, DEPTH_MAX, presentOrderbook) };
    },
  );

  router.get(
    '/v1beta3/crypto/us/latest/quotes',
    ...anybody,
    validateQuery(cryptoQuerySchema),
    async (ctx) => {
      const { symbols } = ctx.state.query as SymbolsQuery;
      const assets = await findListed(knex, symbols, 'crypto');
      ctx.body = { quotes: await bySymbol(assets, 1, presentCryptoQuote) };
    },
  );

  router.get(
    '/v2/stocks/quotes/latest',
    ...reader,
    validateQuery(stocksQuerySchema),
    async (ctx) => {
      const { symbols } = ctx.state.query as SymbolsQuery;
      ctx.body = { quotes: await stockQuotes(await findListed(knex, symbols, 'us_equity')) };
    },
  );

  router.get(
    '/v2/stocks/:symbol/quotes/latest',
    ...reader,
    validateParams(symbolParamsSchema),
    validateQuery(stockQuerySchema),
    async (ctx) => {
      const { symbol: name } = ctx.state.params as { symbol: string };
      const [asset] = await findListed(knex, [name], 'us_equity');
      if (!asset) throw notFound(`stock ${name}`);
      const { symbol } = asset;
      ctx.body = { symbol, quote: (await stockQuotes([asset]))[symbol] };
    },
  );

  return router;
}
