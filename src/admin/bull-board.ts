import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { KoaAdapter } from '@bull-board/koa';
import type { Queue } from 'bullmq';
import type { Context } from 'koa';
import { actorOf } from '../audit/record.js';
import { forbidden } from '../errors.js';
import type { Middleware } from '../http/context.js';
import { requireRole } from '../http/require-role.js';
import type { BasicAuth } from '../identity/basic-auth.js';

const BASE_PATH = '/admin/queues';
const CHALLENGE = 'Basic realm="BrokerX+ queues", charset="UTF-8"';
const SAFE_METHODS = new Set(['GET', 'HEAD']);

export interface BullBoardDeps {
  readonly queues: readonly Queue[];
  /** Lets a caller with an API key or a session pass. */
  readonly authenticated: Middleware;
  readonly limitRate: Middleware;
  readonly basicAuth: BasicAuth;
}

/** Bull Board at `/admin/queues`, for ops and admins. */
export function bullBoard(deps: BullBoardDeps): Middleware {
  const serverAdapter = new KoaAdapter();
  serverAdapter.setBasePath(BASE_PATH);
  createBullBoard({
    queues: deps.queues.map((queue) => new BullMQAdapter(queue)),
    serverAdapter,
    options: { uiConfig: { boardTitle: 'BrokerX+' } },
  });
  const staff = requireRole('ops', 'admin');

  const pages = serverAdapter.registerPlugin() as Middleware;

  const openBoard: Middleware = async (ctx, next) => {
    ctx['_matchedRoute'] = BASE_PATH;
    await identify(ctx, deps);
    await staff(ctx, nothing);
    refuseForeignChange(ctx);
    await pages(ctx, next);
    ctx['_matchedRoute'] = BASE_PATH; // one label for all of its pages
  };
  return (ctx, next) => (isBoard(ctx.path) ? openBoard(ctx, next) : next());
}

const nothing = (): Promise<void> => Promise.resolve();

const isBoard = (path: string): boolean => path === BASE_PATH || path.startsWith(`${BASE_PATH}/`);

async function identify(ctx: Context, deps: BullBoardDeps): Promise<void> {
  const { authorization } = ctx.req.headers;
  ctx.set('WWW-Authenticate', CHALLENGE); // for whichever of these refuses
  if (authorization !== undefined && /^basic /i.test(authorization)) {
    await deps.limitRate(ctx, nothing);
    ctx.state.principal = await deps.basicAuth.verify(authorization, actorOf(ctx));
  } else {
    await deps.authenticated(ctx, nothing);
  }
  ctx.remove('WWW-Authenticate');
}

/** A browser sends its password with other sites' requests too: those may not change anything. */
function refuseForeignChange(ctx: Context): void {
  if (SAFE_METHODS.has(ctx.method)) return;
  const { origin, host, 'sec-fetch-site': site } = ctx.req.headers;
  const isForeign =
    (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host)) ||
    (site !== undefined && site !== 'same-origin' && site !== 'none');
  if (isForeign) throw forbidden('Another site sent this request');
}
