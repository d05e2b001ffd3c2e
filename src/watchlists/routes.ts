import Router from '@koa/router';
import type { Context } from 'koa';
import type { Knex } from 'knex';
import { invalid } from '../errors.js';
import type { Middleware } from '../http/context.js';
import { replayable } from '../http/idempotency.js';
import type { Guards } from '../http/guards.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { validateBody, validateParams, validateQuery } from '../http/validate.js';
import { listWatchlists, type WatchlistKey } from './model.js';
import { presentFilledWatchlist, presentWatchlist } from './presenter.js';
import {
  addToWatchlistSchema,
  byIdSchema,
  byNameSchema,
  changeWatchlistSchema,
  createWatchlistSchema,
  paramsSchemas,
} from './schema.js';
import {
  addToWatchlist,
  changeWatchlist,
  createWatchlist,
  deleteWatchlist,
  readWatchlist,
  removeFromWatchlist,
} from './service.js';

export interface WatchlistRoutesDeps extends Guards {
  readonly knex: Knex;
}

/** Does all its writes in the transaction and sets the answer. */
type Write = (ctx: Context, trx: Knex.Transaction) => Promise<void>;

/** Clients' lists of assets, by id or by name. */
export function watchlistsRouter({ knex, authenticated, limitRate }: WatchlistRoutesDeps): Router {
  const router = new Router();
  const read = [authenticated, limitRate, requireScope('read'), requireAccount] as const;
  const trade = [authenticated, limitRate, requireScope('trade'), requireAccount] as const;
  const inTransaction =
    (write: Write): Middleware =>
    (ctx) =>
      knex.transaction((trx) => write(ctx, trx));
  const onPost = (write: Write): Middleware => replayable(knex, write);

  router.get('/v2/watchlists', ...read, async (ctx) => {
    const watchlists = await listWatchlists(knex, ctx.state.accountId);
    ctx.body = watchlists.map(presentWatchlist);
  });
  router.post('/v2/watchlists', ...trade, validateBody(createWatchlistSchema), onPost(create));

  const one = [
    ['/v2/watchlists/:id', validateParams(byIdSchema)],
    ['/v2/watchlists\\:by_name', validateQuery(byNameSchema)],
  ] as const;
  for (const [path, valid] of one) {
    router.get(path, ...read, valid, async (ctx) => {
      const found = await readWatchlist(knex, ctx.state.accountId, keyOf(ctx));
      ctx.body = presentFilledWatchlist(found);
    });
    const validChange = validateBody(changeWatchlistSchema);
    router.put(path, ...trade, valid, validChange, inTransaction(change));
    router.post(path, ...trade, valid, validateBody(addToWatchlistSchema), onPost(add));
    router.delete(path, ...trade, valid, inTransaction(remove));
  }

  const named = validateQuery(byNameSchema);
  const { idSymbol, idPair, symbol, pair } = paramsSchemas;
  const off = inTransaction(takeOff);
  router.delete('/v2/watchlists/:id/:symbol', ...trade, validateParams(idSymbol), off);
  router.delete('/v2/watchlists/:id/:base/:quote', ...trade, validateParams(idPair), off);
  const byName = '/v2/watchlists\\:by_name';
  router.delete(`${byName}/:symbol`, ...trade, validateParams(symbol), named, off);
  router.delete(`${byName}/:base/:quote`, ...trade, validateParams(pair), named, off);

  return router;
}

interface Params {
  id?: string;
  symbol?: string;
  base?: string;
  quote?: string;
}

function keyOf(ctx: Context): WatchlistKey {
  const { id } = (ctx.state.params ?? {}) as Params;
  return id === undefined ? (ctx.state.query as { name: string }) : { id };
}

interface ChangeBody {
  id?: string;
  name?: string;
  symbols?: string[];
}

const create: Write = async (ctx, trx) => {
  const body = ctx.request.validBody as { name: string; symbols?: string[] };
  const terms = { name: body.name, symbols: body.symbols ?? [] };
  ctx.body = presentFilledWatchlist(await createWatchlist(trx, ctx.state.accountId, terms));
};

const change: Write = async (ctx, trx) => {
  const { id, ...changes } = ctx.request.validBody as ChangeBody;
  const { accountId } = ctx.state;
  const { id: idInPath } = (ctx.state.params ?? {}) as Params;
  if (id !== undefined && id.toLowerCase() !== idInPath?.toLowerCase()) {
    throw invalid(`id is "${id}" in the body; it may only be repeated as it is in the path`, {
      errors: [{ field: 'id', message: "id must be the path's" }],
    });
  }
  ctx.body = presentFilledWatchlist(await changeWatchlist(trx, accountId, keyOf(ctx), changes));
};

const add: Write = async (ctx, trx) => {
  const { symbol } = ctx.request.validBody as { symbol: string };
  const { accountId } = ctx.state;
  ctx.body = presentFilledWatchlist(await addToWatchlist(trx, accountId, keyOf(ctx), symbol));
};

const takeOff: Write = async (ctx, trx) => {
  const { symbol, base, quote } = ctx.state.params as Params;
  const name = symbol ?? `${base ?? ''}/${quote ?? ''}`;
  const { accountId } = ctx.state;
  ctx.body = presentFilledWatchlist(await removeFromWatchlist(trx, accountId, keyOf(ctx), name));
};

const remove: Write = async (ctx, trx) => {
  await deleteWatchlist(trx, ctx.state.accountId, keyOf(ctx));
  ctx.status = 204;
};
