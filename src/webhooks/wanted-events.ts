import type { Knex } from 'knex';
import type { Database } from '../db.js';
import { wantsEvent } from '../domain/webhook-filter.js';
import { eventOfLogLine, Wishes } from '../notifications/preferences.js';
import { readEvents, type EventView } from '../streams/events.js';
import type { Endpoint } from './model.js';

/** Events that are told by mail when an endpoint is turned off; the others are in the log. */
export const TOLD_MAX = 500;
/** Lines of the log that are looked through for them: a filter may want few of very many. */
const LOOKED_AT_MAX = 10_000;

/** Whether the filters of an endpoint let an event pass. */
export const passesFilters = (
  { events }: Pick<Endpoint, 'events'>,
  { type, order }: Pick<EventView, 'type' | 'order'>,
): boolean => wantsEvent(events, { type, isAboutOrder: order !== null });

/** What the client has chosen for webhooks, beside the filters of each endpoint. By type of event. */
export async function wishesFor(
  knex: Knex,
  { accountId }: Pick<Endpoint, 'accountId'>,
): Promise<(type: string) => boolean> {
  const { clientId } = await knex('accounts')
    .where({ id: accountId })
    .first<{ clientId: string }>({ clientId: 'client_id' });
  const receiver = { clientId, accountId };
  const wishes = await Wishes.of(knex, [receiver]);
  return (type) => {
    const event = eventOfLogLine(type);
    return event === null || wishes.wants(receiver, event, 'webhook');
  };
}

/** The first events behind a place in the log that the endpoint is to be told of: 500 at most. */
export async function firstWanted(
  db: Pick<Database, 'knex' | 'run'>,
  endpoint: Pick<Endpoint, 'accountId' | 'events'>,
  sinceId: bigint,
): Promise<bigint[]> {
  const { accountId } = endpoint;
  const isWished = await wishesFor(db.knex, endpoint);
  const found: bigint[] = [];
  let place = sinceId;
  while (found.length < TOLD_MAX && place < sinceId + BigInt(LOOKED_AT_MAX)) {
    const [page] = await readEvents(db, [{ accountId, sinceId: place }], TOLD_MAX);
    for (const event of page!) {
      if (passesFilters(endpoint, event) && isWished(event.type)) found.push(event.eventId);
    }
    if (page!.length < TOLD_MAX) break;
    place = page!.at(-1)!.eventId;
  }
  return found.slice(0, TOLD_MAX);
}
