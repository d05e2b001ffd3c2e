import type { Database, Statement } from '../db.js';
import { streamLag } from '../metrics.js';
import { EVENTS_CHANNEL } from './event-bell.js';
import { readEvents, type LogPosition } from './events.js';
import { LoggedEvent } from './logged-event.js';

type Db = Pick<Database, 'run'>;

/** How far somebody's log has come. */
export interface LogEnd {
  readonly id: string;
  readonly lastEventId: bigint;
}

/** A kind of log that a hub follows: one log an account, or a client, numbered from 1 without a gap. */
export interface HubLog {
  /** Where hints come from: JSON arrays of whose log has grown. */
  readonly channel: string;
  /** The ends of some logs; those that have not begun may be missing. */
  lastIds(db: Db, ids: readonly string[]): Promise<LogEnd[]>;
  /** The next page of each reader's log. */
  read(db: Db, readers: readonly LogPosition[], limit: number): Promise<LoggedEvent[][]>;
  /** @param seconds from an event to the moment it is sent to a client that is up to date */
  observeLag(seconds: number): void;
}

/** $1 accounts. */
const LAST_EVENT_IDS: Statement = {
  name: 'streams-last-event-ids',
  text: 'select id, last_event_id as "lastEventId" from accounts where id = any($1::uuid[])',
};

/** The logs of accounts. */
export const ACCOUNT_LOG: HubLog = {
  channel: EVENTS_CHANNEL,
  lastIds: (db, ids) => db.run<LogEnd>(LAST_EVENT_IDS, [ids]),
  async read(db, readers, limit) {
    const pages = await readEvents(db, readers, limit);
    return pages.map((page) => page.map((event) => LoggedEvent.of(event)));
  },
  observeLag: (seconds) => streamLag.observe(seconds),
};
