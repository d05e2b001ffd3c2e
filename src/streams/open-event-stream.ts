import { pipeline, type Readable } from 'node:stream';
import type { Context } from 'koa';
import { invalid } from '../errors.js';
import { EventSourceBody, type EventFormat } from './event-source.js';
import { EVENT_ID } from './schema.js';
import type { EventHub } from './event-hub.js';
import type { OpenStreams } from './open-streams.js';

const LAST_EVENT_ID = 'Last-Event-ID';
const JSON_TYPE = 'application/json';
export const STREAM_TYPE = 'text/event-stream';

/** Whether a client asks for a stream in place of a page. */
export const wantsStream = (ctx: Context): boolean =>
  ctx.method === 'GET' && ctx.accepts(JSON_TYPE, STREAM_TYPE) === STREAM_TYPE;

/** The part of an account's log that a client wants to be sent. */
export interface StreamPlace {
  /** Whose log: an account's id, or of a hub that follows clients a client's. */
  readonly logId: string;
  /** The last event that it has, or null for what happens from now on. */
  readonly sinceId: bigint | null;
  /** What the client calls that. */
  readonly sinceField: string;
  /** The last event that it wants, or null for no end. */
  readonly untilId: bigint | null;
}

/** Begins to answer with server-sent events. @returns the body, which can be ended */
export async function openEventStream(
  ctx: Context,
  { hub, open }: { readonly hub: EventHub; readonly open: OpenStreams },
  { logId, sinceId, sinceField, untilId }: StreamPlace,
  format: EventFormat,
): Promise<EventSourceBody> {
  const { principal } = ctx.state;
  const stream = open.add('sse');
  ctx.res.once('close', () => open.remove(stream));
  open.identify(stream, principal);
  const body = new EventSourceBody(stream, untilId, format);
  try {
    const subscription = await hub.subscribe(logId, sinceId, body, sinceField);
    sendBody(ctx, body);
    body.follow(subscription);
    return body;
  } catch (error) {
    body.destroy();
    open.remove(stream);
    throw error;
  }
}

/**
 * Where a client wants to begin: after what a browser has seen before it lost the connection, which
 * counts more than the query.
 * @throws DomainError 422 for a header that is no event id
 */
export function sincePlace(
  ctx: Context,
  sinceId: bigint | null,
): Pick<StreamPlace, 'sinceId' | 'sinceField'> {
  const given = ctx.req.headers[LAST_EVENT_ID.toLowerCase()];
  if (given === undefined) return { sinceId, sinceField: 'since_id' };
  if (typeof given === 'string' && EVENT_ID.test(given)) {
    return { sinceId: BigInt(given), sinceField: LAST_EVENT_ID };
  }
  throw invalid(
    `${LAST_EVENT_ID} was "${String(given).slice(0, 40)}": it must be an event_id, or 0 for the beginning`,
    { errors: [{ field: LAST_EVENT_ID, message: 'must be a whole number' }] },
  );
}

/** Not by Koa, to whom a client that hangs up is an error: it is how these answers end. */
export function sendBody(ctx: Context, body: Readable): void {
  ctx.status = 200;
  ctx.respond = false;
  ctx.set('Content-Type', STREAM_TYPE);
  ctx.set('X-Accel-Buffering', 'no'); // nginx would collect events before it passes them on
  pipeline(body, ctx.res, () => undefined);
}
