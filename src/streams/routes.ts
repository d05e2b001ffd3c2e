import { pipeline } from 'node:stream';
import Router from '@koa/router';
import type { Context } from 'koa';
import type { Database } from '../db.js';
import { invalid } from '../errors.js';
import type { Guards } from '../http/guards.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { validateQuery } from '../http/validate.js';
import { EventSourceBody } from './event-source.js';
import { presentEvent, readEvents } from './events.js';
import { EVENT_ID, type ListEventsQuery, listEventsSchema } from './schema.js';
import type { Streams } from './streams.js';

export interface EventRoutesDeps extends Guards {
  readonly db: Database;
  readonly streams: Streams;
}

/** The caller's event log: a page of JSON, or a stream of server-sent events. */
export function eventsRouter({ db, streams, authenticated, limitRate }: EventRoutesDeps): Router {
  const router = new Router();

  router.get(
    '/v2/events',
    authenticated,
    limitRate,
    requireScope('read'),
    requireAccount,
    validateQuery(listEventsSchema),
    async (ctx) => {
      ctx.vary('Accept');
      const query = ctx.state.query as ListEventsQuery;
      if (wantsStream(ctx)) await openStream(ctx, query, streams);
      else await answerPage(ctx, query, db);
    },
  );

  return router;
}

const LAST_EVENT_ID = 'Last-Event-ID';
const JSON_TYPE = 'application/json';
const STREAM_TYPE = 'text/event-stream';

const wantsStream = (ctx: Context): boolean =>
  ctx.method === 'GET' && ctx.accepts(JSON_TYPE, STREAM_TYPE) === STREAM_TYPE;

const idOf = (text: string | undefined): bigint | null =>
  text === undefined ? null : BigInt(text);

async function answerPage(ctx: Context, query: ListEventsQuery, db: Database): Promise<void> {
  const sinceId = idOf(query.since_id) ?? 0n;
  const untilId = idOf(query.until_id) ?? undefined;
  const reader = { accountId: ctx.state.accountId, sinceId, untilId };
  const [events] = await readEvents(db, [reader], query.limit);
  const last = events!.at(-1)?.eventId ?? sinceId;
  ctx.body = { events: events!.map(presentEvent), next_since_id: Number(last) };
}

async function openStream(
  ctx: Context,
  query: ListEventsQuery,
  { hub, open }: Streams,
): Promise<void> {
  const { accountId, principal } = ctx.state;
  const lastEventId = lastEventIdOf(ctx);
  const sinceId = lastEventId ?? idOf(query.since_id);
  const untilId = idOf(query.until_id);
  if (untilId !== null && untilId <= (sinceId ?? (await hub.lastEventId(accountId)))) {
    ctx.status = 204; // the client has it all; this keeps a browser from connecting again
    return;
  }
  const stream = open.add('sse');
  ctx.res.once('close', () => open.remove(stream));
  open.identify(stream, principal);
  const body = new EventSourceBody(stream, untilId);
  try {
    const field = lastEventId === null ? 'since_id' : LAST_EVENT_ID;
    const subscription = await hub.subscribe(accountId, sinceId, body, field);
    sendBody(ctx, body);
    body.follow(subscription);
  } catch (error) {
    body.destroy();
    open.remove(stream);
    throw error;
  }
}

/** What a browser has seen before it lost the connection; it counts more than the query. */
function lastEventIdOf(ctx: Context): bigint | null {
  const given = ctx.req.headers[LAST_EVENT_ID.toLowerCase()];
  if (given === undefined) return null;
  if (typeof given === 'string' && EVENT_ID.test(given)) return BigInt(given);
  throw invalid(
    `${LAST_EVENT_ID} was "${String(given).slice(0, 40)}": it must be an event_id, or 0 for the beginning`,
    { errors: [{ field: LAST_EVENT_ID, message: 'must be a whole number' }] },
  );
}

/** Not by Koa, to whom a client that hangs up is an error: it is how these answers end. */
function sendBody(ctx: Context, body: EventSourceBody): void {
  ctx.status = 200;
  ctx.respond = false;
  ctx.set('Content-Type', STREAM_TYPE);
  ctx.set('X-Accel-Buffering', 'no'); // nginx would collect events before it passes them on
  pipeline(body, ctx.res, () => undefined);
}
