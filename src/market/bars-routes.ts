import Router from '@koa/router';
import type { Knex } from 'knex';
import type { Asset } from '../assets/model.js';
import type { MarketHours } from '../domain/clock.js';
import { notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { requireScope } from '../http/require-role.js';
import { validateParams, validateQuery } from '../http/validate.js';
import { readBars, readLatestBars } from './bars-model.js';
import { presentBar } from './bars-presenter.js';
import {
  cryptoBarsSchema,
  stockBarsSchema,
  stocksBarsSchema,
  type BarsQuery,
} from './bars-schema.js';
import { findListed } from './listed.js';
import {
  cryptoQuerySchema,
  stockQuerySchema,
  stocksQuerySchema,
  symbolParamsSchema,
  timesOf,
  type SymbolsQuery,
} from './market-data-schema.js';
import { dayZone, type AssetClass } from './market-days.js';
import { parseTime, readPage } from './symbol-pages.js';

export interface MarketDataRoutesDeps extends Guards {
  readonly knex: Knex;
  readonly marketHours: MarketHours;
  readonly now: () => Date;
}

/** Live data: what is new is seen within a fifth of a second. */
const CACHED = { name: 'bars', audience: 'everyone', ttlMs: 200 } as const;

/** What the trades of spans of time come to. */
export function barsRouter(deps: MarketDataRoutesDeps): Router {
  const { knex, marketHours, now, authenticated, limitRate, cached } = deps;
  const router = new Router();
  const cache = cached(CACHED);
  const reader = [authenticated, limitRate, requireScope('read'), cache] as const;
  const anybody = [limitRate, cache] as const;

  const pageOf = async (
    assets: readonly Asset[],
    query: Omit<BarsQuery, 'symbols'>,
    of: AssetClass,
  ) => {
    const { timeframe, sort } = query;
    const times = timesOf(query, of, marketHours, now());
    const zone = dayZone(of, marketHours);
    const page = await readPage(assets, query, {
      read: ({ id }, after: Date | null, limit) =>
        readBars(knex, id, { ...times, timeframe, zone, sort, after, limit }),
      positionOf: ({ startsAt }) => startsAt.toISOString(),
      parsePosition: parseTime,
    });
    const found = page.found.map(([{ symbol }, bars]) => [symbol, bars.map(presentBar)] as const);
    return { found, next_page_token: page.nextPageToken };
  };

  const bars = async (query: BarsQuery, of: AssetClass) => {
    const assets = await findListed(knex, query.symbols, of);
    const { found, next_page_token } = await pageOf(assets, query, of);
    return { bars: Object.fromEntries(found), next_page_token };
  };

  const latest = async (symbols: readonly string[], of: AssetClass) => {
    const assets = await findListed(knex, symbols, of);
    const found = await readLatestBars(
      knex,
      assets.map(({ id }) => id),
    );
    const shown = assets.flatMap(({ id, symbol }) => {
      const bar = found.get(id);
      return bar ? [[symbol, presentBar(bar)] as const] : [];
    });
    return Object.fromEntries(shown);
  };

  router.get('/v2/stocks/bars', ...reader, validateQuery(stocksBarsSchema), async (ctx) => {
    ctx.body = await bars(ctx.state.query as BarsQuery, 'us_equity');
  });

  router.get('/v2/stocks/bars/latest', ...reader, validateQuery(stocksQuerySchema), async (ctx) => {
    const { symbols } = ctx.state.query as SymbolsQuery;
    ctx.body = { bars: await latest(symbols, 'us_equity') };
  });

  router.get(
    '/v2/stocks/:symbol/bars',
    ...reader,
    validateParams(symbolParamsSchema),
    validateQuery(stockBarsSchema),
    async (ctx) => {
      const { symbol } = ctx.state.params as { symbol: string };
      const assets = await findListed(knex, [symbol], 'us_equity');
      const query = ctx.state.query as BarsQuery;
      const { found, next_page_token } = await pageOf(assets, query, 'us_equity');
      ctx.body = { symbol, bars: found[0]?.[1] ?? [], next_page_token };
    },
  );

  router.get(
    '/v2/stocks/:symbol/bars/latest',
    ...reader,
    validateParams(symbolParamsSchema),
    validateQuery(stockQuerySchema),
    async (ctx) => {
      const { symbol } = ctx.state.params as { symbol: string };
      const bar = (await latest([symbol], 'us_equity'))[symbol];
      if (!bar) throw notFound(`bar of ${symbol}`);
      ctx.body = { symbol, bar };
    },
  );

  router.get(
    '/v1beta3/crypto/us/bars',
    ...anybody,
    validateQuery(cryptoBarsSchema),
    async (ctx) => {
      ctx.body = await bars(ctx.state.query as BarsQuery, 'crypto');
    },
  );

  router.get(
    '/v1beta3/crypto/us/latest/bars',
    ...anybody,
    validateQuery(cryptoQuerySchema),
    async (ctx) => {
      const { symbols } = ctx.state.query as SymbolsQuery;
      ctx.body = { bars: await latest(symbols, 'crypto') };
    },
  );

  return router;
}
