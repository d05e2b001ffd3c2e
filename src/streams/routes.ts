import Router from '@koa/router';
import type { Context } from 'koa';
import type { Database } from '../db.js';
import type { Guards } from '../http/guards.js';
import { requireAccount, requireScope } from '../http/require-role.js';
import { validateQuery } from '../http/validate.js';
import { ALL_EVENTS } from './event-source.js';
import { presentEvent, readEvents } from './events.js';
import { openEventStream, sincePlace, wantsStream } from './open-event-stream.js';
import {
  type ListEventsQuery,
  listEventsSchema,
  type TradeEventsQuery,
  tradeEventsSchema,
} from './schema.js';
import type { Streams } from './streams.js';
import { eventsAround, tradeEvents, WRITTEN_WITHIN_MS } from './trade-events.js';

export interface EventRoutesDeps extends Guards {
  readonly db: Database;
  readonly streams: Streams;
}

/** The caller's event log: a page of JSON, or a stream of server-sent events. */
export function eventsRouter({ db, streams, authenticated, limitRate }: EventRoutesDeps): Router {
  const router = new Router();
  const read = [authenticated, limitRate, requireScope('read'), requireAccount] as const;

  router.get('/v2/events', ...read, validateQuery(listEventsSchema), async (ctx) => {
    ctx.vary('Accept');
    const query = ctx.state.query as ListEventsQuery;
    if (wantsStream(ctx)) await streamEvents(ctx, query, streams);
    else await answerPage(ctx, query, db);
  });

  router.get('/v2/events/trades', ...read, validateQuery(tradeEventsSchema), (ctx) =>
    streamTrades(ctx, ctx.state.query as TradeEventsQuery, { db, streams }),
  );

  return router;
}

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

async function streamEvents(ctx: Context, query: ListEventsQuery, streams: Streams): Promise<void> {
  const since = sincePlace(ctx, idOf(query.since_id));
  const untilId = idOf(query.until_id);
  if (untilId !== null && untilId <= (since.sinceId ?? (await lastId(ctx, streams)))) {
    ctx.status = 204; // the client has it all; this keeps a browser from connecting again
    return;
  }
  const { accountId: logId } = ctx.state;
  await openEventStream(ctx, streams, { logId, ...since, untilId }, ALL_EVENTS);
}

const lastId = (ctx: Context, { hub }: Streams): Promise<bigint> =>
  hub.lastEventId(ctx.state.accountId);

/** Whatever `Accept` says: clients of this path read nothing but server-sent events. */
async function streamTrades(
  ctx: Context,
  { since, until, ...query }: TradeEventsQuery,
  { db, streams }: Pick<EventRoutesDeps, 'db' | 'streams'>,
): Promise<void> {
  const { accountId } = ctx.state;
  const given = sincePlace(ctx, idOf(query.since_id));
  const afterSince = since && (await eventsAround(db, accountId, since)).lastBefore;
  const place = { ...given, sinceId: later(given.sinceId, afterSince ?? null) };

  const endsAt = until && until.getTime() + WRITTEN_WITHIN_MS;
  const isOver = endsAt !== undefined && endsAt <= Date.now();
  const beforeUntil = isOver ? (await eventsAround(db, accountId, until!)).lastUntil : null;
  const untilId = earlier(idOf(query.until_id), beforeUntil);

  const format = tradeEvents({ since, until });
  const body = await openEventStream(ctx, streams, { logId: accountId, ...place, untilId }, format);
  const hasAll = untilId !== null && untilId <= (place.sinceId ?? (await lastId(ctx, streams)));
  if (hasAll || ctx.method === 'HEAD') {
    body.complete(); // an empty stream, not 204: that is an error to the Go client
  } else if (endsAt !== undefined && !isOver) body.completeAt(endsAt);
}

const later = (a: bigint | null, b: bigint | null): bigint | null =>
  a === null || (b !== null && b > a) ? b : a;

const earlier = (a: bigint | null, b: bigint | null): bigint | null =>
  a === null || (b !== null && b < a) ? b : a;
