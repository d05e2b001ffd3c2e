import type { Database, Statement } from '../db.js';
import type { Ending } from './ending.js';
import type { EventFormat } from './event-source.js';
import type { LoggedEvent } from './logged-event.js';

/** Times that bound a client's trade events, both included; undefined: no bound. */
export interface TradeTimes {
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

/** By then an event is in the log whose time has come: it is stamped in the transaction that writes it. */
export const WRITTEN_WITHIN_MS = 2_000;

/** Events about orders, as clients of `/v2/events/trades` read them. */
export const tradeEvents = ({ since, until }: TradeTimes): EventFormat => ({
  wants: ({ isAboutOrder, occurredAt }) =>
    isAboutOrder &&
    (since === undefined || occurredAt >= since) &&
    (until === undefined || occurredAt <= until),
  write: (event) => `id: ${event.id}\ndata: ${tradeJson(event)}\n\n`,
  writeEnding: endingOf,
});

/** The id is a text there, as Alpaca's ids are, and the time is called `at`, too. */
function tradeJson({ json }: LoggedEvent): string {
  const event = JSON.parse(json) as { event_id: number; timestamp: string };
  return JSON.stringify({ ...event, event_id: String(event.event_id), at: event.timestamp });
}

/**
 * A message would be taken for an event. Who can go on at once is cut off in the middle of the answer:
 * to the Go client, which then connects again, an orderly end means that there is nothing more to come.
 */
const endingOf = ({ kind, message }: Ending): string | null =>
  kind === 'stopping' || kind === 'slow' ? null : `: ${message}\n\n`;

/** $1 an account, $2 a time. Two machines' clocks may differ by less than a minute. */
const EVENTS_AROUND: Statement = {
  name: 'streams-events-around',
  text: `select first_event_at($1, $2::timestamptz - interval '1 minute') - 1 as "lastBefore",
      first_event_at($1, $2::timestamptz + interval '1 minute') - 1 as "lastUntil"`,
};

/**
 * Narrows an account's log to where events of a time are: those in between may be older or newer.
 * @returns the last event that is certainly before the time, and the last that may not be after it
 */
export async function eventsAround(
  db: Pick<Database, 'run'>,
  accountId: string,
  time: Date,
): Promise<{ lastBefore: bigint; lastUntil: bigint }> {
  const [ids] = await db.run<{ lastBefore: bigint; lastUntil: bigint }>(EVENTS_AROUND, [
    accountId,
    time,
  ]);
  return ids!;
}
