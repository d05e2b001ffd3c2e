import Router from '@koa/router';
import type { Context } from 'koa';
import type { Config } from '../config.js';
import { notFound } from '../errors.js';
import type { Middleware } from '../http/context.js';
import { listOutbox, outboxFolder, readOutbox } from './outbox.js';
import { OUTBOX_PATH, outboxMailPage, outboxPage } from './outbox-pages.js';

const LISTED_MAX = 100;

/** Whether the page is there at all: mails hold codes, which in production are nobody's to see. */
export const showsOutbox = ({ nodeEnv, smtpUrl }: Pick<Config, 'nodeEnv' | 'smtpUrl'>): boolean =>
  nodeEnv !== 'production' && smtpUrl === '';

/**
 * `/dev/outbox`: what would have been mailed, for whoever develops. It asks for no credentials (a code
 * in it may be what is missing to get some), so it is only for who sits at this machine.
 */
export function outboxRouter(config: Pick<Config, 'dataDir'>): Router {
  const folder = outboxFolder(config);
  const router = new Router();

  router.get(OUTBOX_PATH, locally, async (ctx) => {
    ctx.body = outboxPage(await listOutbox(folder, LISTED_MAX));
  });

  router.get(`${OUTBOX_PATH}/:name`, locally, async (ctx) => {
    const found = await readOutbox(folder, ctx.params['name']!);
    if (!found) throw notFound('mail');
    ctx.body = outboxMailPage(found);
  });

  return router;
}

const LOCAL_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

/** For anybody else there is no such page. */
const locally: Middleware = async (ctx, next) => {
  if (!isLocal(ctx)) throw notFound(`page ${ctx.path}`);
  ctx.set('Cache-Control', 'no-store');
  ctx.type = 'text/html';
  await next();
};

/**
 * From this machine, not passed on by a proxy, and asked for under its own name: else any site could
 * name its own host 127.0.0.1 and have a browser here read the page to it (DNS rebinding).
 */
const isLocal = (ctx: Context): boolean =>
  LOOPBACK.test(ctx.req.socket.remoteAddress ?? '') &&
  LOCAL_NAMES.has(ctx.hostname) &&
  ctx.get('X-Forwarded-For') === '' &&
  ctx.get('Forwarded') === '';
