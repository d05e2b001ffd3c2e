import Router from '@koa/router';
import type { Context } from 'koa';
import type { Knex } from 'knex';
import { pairParamsSchema } from '../assets/schema.js';
import { previousTradingDay } from '../domain/calendar.js';
import type { MarketHours } from '../domain/clock.js';
import { DomainError, notFound } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { problemBody, toProblem } from '../http/problem.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { validateParams, validateQueryOrBody } from '../http/validate.js';
import type { Intake } from '../orders/intake.js';
import { presentOrder } from '../orders/presenter.js';
import { type CloseOutcome, PositionCloser, type ClosingShare } from './close-positions.js';
import { closeAllSchema, closePositionSchema } from './close-schema.js';
import { findValuedAccount } from './model.js';
import { findPosition, listPositions, type PositionView } from './position-model.js';
import { presentAccount, presentPosition } from './presenter.js';
import { positionParamsSchema } from './schema.js';

/**
 * The account's version tells of every change of its own; what moves without it (prices, the day) is
 * seen within a second.
 */
const CACHED = { audience: 'account', ttlMs: 1_000 } as const;

export interface AccountRoutesDeps extends Guards {
  readonly knex: Knex;
  readonly intake: Intake;
  readonly marketHours: MarketHours;
  readonly now: () => Date;
}

/** The caller's account and positions. */
export function accountsRouter(deps: AccountRoutesDeps): Router {
  const { knex, intake, marketHours, now, authenticated, limitRate, cached } = deps;
  const router = new Router();
  const read = [authenticated, limitRate, requireScope('read'), requireAccount] as const;
  const trade = [authenticated, limitRate, requireScope('trade'), requireAccount] as const;
  const cachedPositions = cached({ ...CACHED, name: 'positions' });
  const closer = new PositionCloser({ knex, intake });
  const closedLast = () => previousTradingDay(now(), marketHours);

  const position = async (ctx: Context): Promise<PositionView> => {
    const name = nameOf(ctx.state.params as PositionParams);
    const found = await findPosition(knex, ctx.state.accountId, closedLast().close, name);
    if (!found) throw notFound(`position in ${name}`);
    return found;
  };

  router.get('/v2/account', ...read, cached({ ...CACHED, name: 'account' }), async (ctx) => {
    const { close, day } = closedLast();
    const account = await findValuedAccount(knex, ctx.state.accountId, close);
    if (!account) throw notFound('account');
    ctx.body = presentAccount(account, day);
  });

  router.get('/v2/positions', ...read, cachedPositions, async (ctx) => {
    const positions = await listPositions(knex, ctx.state.accountId, closedLast().close);
    ctx.body = positions.map(presentPosition);
  });

  router.delete('/v2/positions', ...trade, validateQueryOrBody(closeAllSchema), async (ctx) => {
    const { accountId, query } = ctx.state;
    const { cancel_orders: cancelFirst } = query as { cancel_orders: boolean };
    if (cancelFirst) await closer.cancelOrders(accountId);
    const positions = await listPositions(knex, accountId, closedLast().close);
    const outcomes = await closer.closeAll(accountId, positions);
    ctx.status = 207;
    ctx.body = outcomes.map((outcome) => presentOutcome(outcome, ctx));
  });

  const onePosition = [
    ['/v2/positions/:symbol_or_asset_id', positionParamsSchema],
    ['/v2/positions/:base/:quote', pairParamsSchema],
  ] as const;
  for (const [path, params] of onePosition) {
    router.get(path, ...read, cachedPositions, validateParams(params), async (ctx) => {
      ctx.body = presentPosition(await position(ctx));
    });

    const valid = [validateParams(params), validateQueryOrBody(closePositionSchema)] as const;
    router.delete(path, ...trade, ...valid, async (ctx) => {
      const { accountId, query } = ctx.state;
      const order = await closer.close(accountId, await position(ctx), query as ClosingShare);
      ctx.state.orderId = order.id;
      ctx.body = presentOrder(order);
    });
  }

  return router;
}

type PositionParams = { symbol_or_asset_id: string } | { base: string; quote: string };

const nameOf = (params: PositionParams): string =>
  'base' in params ? `${params.base}/${params.quote}` : params.symbol_or_asset_id;

function presentOutcome({ symbol, result }: CloseOutcome, ctx: Context) {
  if (!(result instanceof DomainError)) return { symbol, status: 200, body: presentOrder(result) };
  const problem = toProblem(result);
  const body = problemBody(problem, ctx.path, ctx.state.requestId);
  return { symbol, status: problem.status, body };
}
