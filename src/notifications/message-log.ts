import type { Statement } from '../db.js';
import { MESSAGES_CHANNEL } from '../streams/event-bell.js';
import type { HubLog, LogEnd } from '../streams/hub-log.js';
import { LoggedEvent } from '../streams/logged-event.js';
import { presentMessage, type Message } from './inbox.js';

/** $1 clients. */
const LAST_NUMBERS: Statement = {
  name: 'streams-last-message-numbers',
  text: `select client_id as id, last_number as "lastEventId" from message_receivers
    where client_id = any($1::uuid[])`,
};

/** $1-$3 the readers' clients, last numbers seen and wanted, $4 messages for each of them. */
const READ_MESSAGES: Statement = {
  name: 'streams-read-messages',
  text: `select c.reader::int as reader, m.id, m.number, m.event, m.data,
      m.account_id as "accountId", m.created_at as "createdAt", m.read_at as "readAt"
    from unnest($1::uuid[], $2::bigint[], $3::bigint[])
      with ordinality as c (client_id, since, until, reader)
    cross join lateral (
      select * from messages
      where client_id = c.client_id and number > c.since and number <= c.until
      order by number limit $4
    ) m
    order by c.reader, m.number`,
};

/** Beyond every number: the largest bigint. */
const NO_END = 2n ** 63n - 1n;

const loggedMessage = (message: Message): LoggedEvent =>
  new LoggedEvent({
    id: message.number,
    type: message.event,
    occurredAt: message.createdAt,
    isAboutOrder: false, // it is no trade update
    json: JSON.stringify(presentMessage(message)),
  });

/** What clients are told in the app, as a log for each of them. */
export const MESSAGE_LOG: HubLog = {
  channel: MESSAGES_CHANNEL,
  lastIds: (db, ids) => db.run<LogEnd>(LAST_NUMBERS, [ids]),
  async read(db, readers, limit) {
    const rows = await db.run<Message & { reader: number }>(READ_MESSAGES, [
      readers.map(({ accountId }) => accountId),
      readers.map(({ sinceId }) => sinceId),
      readers.map(({ untilId }) => untilId ?? NO_END),
      limit,
    ]);
    const pages = readers.map((): LoggedEvent[] => []);
    for (const row of rows) pages[row.reader - 1]!.push(loggedMessage(row));
    return pages;
  },
  observeLag: () => undefined, // that of the channel is measured where the message is written
};
