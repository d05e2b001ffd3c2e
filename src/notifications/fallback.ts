import type { Knex } from 'knex';
import { GATHER_LOCK } from './gather.js';
import { eventOfLogLine } from './preferences.js';

/** A line of an account's log. */
export interface LogLineId {
  readonly accountId: string;
  readonly eventId: bigint;
}

interface LineRow {
  type: string;
  orderId: string | null;
  occurredAt: Date;
}

/**
 * Makes sure that a client gets a mail about a line of the account's log, whatever was chosen: another
 * channel has failed (UC-08 E1). Once, however often it is called; nothing for lines of which nobody is
 * told, such as that a cancellation is under way. Nudge the mails after the commit.
 */
export async function fallBackToMail(
  trx: Knex.Transaction,
  { accountId, eventId }: LogLineId,
): Promise<void> {
  const line = await trx('account_events')
    .where({ account_id: accountId, event_id: eventId.toString() })
    .first<LineRow | undefined>({ type: 'type', orderId: 'order_id', occurredAt: 'occurred_at' });
  if (!line || eventOfLogLine(line.type) === null) return;
  const messageIds =
    line.orderId === null
      ? await messagesOfLine(trx, { accountId, eventId })
      : await messagesOfOrder(trx, line.orderId, line.occurredAt);
  for (const id of messageIds) await trx.raw(MAIL_MESSAGE, { id, now: new Date() });
}

const MAIL_MESSAGE = `
  insert into message_deliveries (message_id, channel, client_id, happened_at, due_at)
  select id, 'email', client_id, happened_at, :now::timestamptz from messages where id = :id
  on conflict do nothing`;

const messagesOfLine = (
  trx: Knex.Transaction,
  { accountId, eventId }: LogLineId,
): Promise<string[]> =>
  trx('messages')
    .where({ account_id: accountId, account_event_id: eventId.toString() })
    .pluck<string[]>('id');

/**
 * The messages that the pass of a line has led to; a fact that is not gathered yet is marked. A pass
 * writes facts and lines with the same time, by which they are found (a BRIN index).
 */
async function messagesOfOrder(
  trx: Knex.Transaction,
  orderId: string,
  occurredAt: Date,
): Promise<string[]> {
  await trx.raw(GATHER_LOCK); // or a fact could be on its way into a message just now
  const facts: { messageId: string | null }[] = await trx('notifications')
    .where({ created_at: occurredAt, order_id: orderId })
    .update({ mail_anyway: true })
    .returning('message_id as messageId');
  return facts.flatMap(({ messageId }) => messageId ?? []);
}
