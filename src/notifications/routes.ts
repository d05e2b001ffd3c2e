import Router from '@koa/router';
import type { Context } from 'koa';
import type { Knex } from 'knex';
import { actorOf, recordAct } from '../audit/record.js';
import type { Guards } from '../http/guards.js';
import { replayable } from '../http/idempotency.js';
import { requireScope } from '../http/require-role.js';
import { validateBody, validateParams, validateQuery } from '../http/validate.js';
import { ALL_EVENTS } from '../streams/event-source.js';
import { openEventStream, sincePlace, wantsStream } from '../streams/open-event-stream.js';
import type { Streams } from '../streams/streams.js';
import { countUnread, listMessages, markAllRead, markRead, presentMessage } from './inbox.js';
import {
  changePreferences,
  readPreferences,
  type PreferenceChanges,
  type Receiver,
} from './preferences.js';
import {
  changePreferencesSchema,
  listNotificationsSchema,
  notificationIdSchema,
  readAllSchema,
  type ListNotificationsQuery,
} from './schema.js';

export interface NotificationRoutesDeps extends Guards {
  readonly knex: Knex;
  readonly streams: Streams;
  readonly now: () => Date;
}

/** What a client is told in the app, and by which channels they want to be told. */
export function notificationsRouter(deps: NotificationRoutesDeps): Router {
  const { knex, streams, now, authenticated, limitRate } = deps;
  const router = new Router();
  const read = [authenticated, limitRate, requireScope('read')] as const;
  const trade = [authenticated, limitRate, requireScope('trade')] as const;

  router.get('/v2/notifications', ...read, validateQuery(listNotificationsSchema), async (ctx) => {
    ctx.vary('Accept');
    if (wantsStream(ctx)) await streamMessages(ctx, streams);
    else await answerPage(ctx, knex);
  });

  router.get('/v2/notifications/unread_count', ...read, async (ctx) => {
    ctx.body = { unread: await countUnread(knex, clientOf(ctx)) };
  });

  router.post(
    '/v2/notifications/:id/read',
    ...read,
    validateParams(notificationIdSchema),
    replayable(knex, async (ctx, trx) => {
      const { id } = ctx.state.params as { id: string };
      ctx.body = presentMessage(await markRead(trx, clientOf(ctx), id, now()));
    }),
  );

  router.post(
    '/v2/notifications/read_all',
    ...read,
    validateBody(readAllSchema),
    replayable(knex, async (ctx, trx) => {
      const { up_to: upTo } = ctx.request.validBody as { up_to: string };
      await markAllRead(trx, clientOf(ctx), upTo, now());
      ctx.body = { unread: await countUnread(trx, clientOf(ctx)) };
    }),
  );

  router.get('/v2/notifications/preferences', ...read, async (ctx) => {
    ctx.body = await readPreferences(knex, receiverOf(ctx));
  });

  router.put(
    '/v2/notifications/preferences',
    ...trade,
    validateBody(changePreferencesSchema),
    replayable(knex, async (ctx, trx) => {
      const changes = ctx.request.validBody as PreferenceChanges;
      const receiver = receiverOf(ctx);
      ctx.body = await changePreferences(trx, receiver, changes, now());
      await recordAct(trx, actorOf(ctx), {
        action: 'notification.preferences_changed',
        subject: { client_id: receiver.clientId },
        after: { ...changes },
      });
    }),
  );

  return router;
}

const clientOf = (ctx: Context): string => ctx.state.principal.clientId;

const receiverOf = (ctx: Context): Receiver => ctx.state.principal;

async function answerPage(ctx: Context, knex: Knex): Promise<void> {
  const query = ctx.state.query as ListNotificationsQuery;
  const page = await listMessages(knex, clientOf(ctx), query);
  const last = page.length < query.limit ? null : page.at(-1)!.number;
  ctx.body = {
    notifications: page.map(presentMessage),
    next_page_token: last?.toString() ?? null,
  };
}

const idOf = (text: string | undefined): bigint | null =>
  text === undefined ? null : BigInt(text);

async function streamMessages(ctx: Context, { messages: hub, open }: Streams): Promise<void> {
  const { since_id, until_id } = ctx.state.query as ListNotificationsQuery;
  const logId = clientOf(ctx);
  const since = sincePlace(ctx, idOf(since_id));
  const untilId = idOf(until_id);
  if (untilId !== null && untilId <= (since.sinceId ?? (await hub.lastEventId(logId)))) {
    ctx.status = 204; // the client has it all; this keeps a browser from connecting again
    return;
  }
  await openEventStream(ctx, { hub, open }, { logId, ...since, untilId }, ALL_EVENTS);
}
