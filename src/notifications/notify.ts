import type { Knex } from 'knex';
import { recordAccountEvents } from './account-log.js';
import type { Told } from './events.js';
import { writeMessages } from './messages.js';

/** A client to be told of something that is not an order. */
export type Notice = Told & {
  readonly clientId: string;
  /** Null for what is about no account; absent for the client's account, if there is one. */
  readonly accountId?: string | null;
};

/**
 * Tells clients of something by every channel that they want: the message, its deliveries and the line
 * in the account's log, in the transaction of the fact. It locks accounts, and after them the
 * receivers, so it comes last. Nudge the mails after the commit; without that the sweeper finds them.
 * @param at when it happened
 */
export async function notifyAll(
  trx: Knex.Transaction,
  notices: readonly Notice[],
  at: Date,
): Promise<void> {
  const accounts = await accountsOf(trx, notices);
  const addressed = notices.map(({ clientId, accountId, ...told }) => ({
    clientId,
    accountId: accountId === undefined ? (accounts.get(clientId) ?? null) : accountId,
    told,
  }));
  const logged = addressed.flatMap(({ accountId, told }) =>
    accountId === null ? [] : [{ accountId, told }],
  );
  const eventIds = await recordAccountEvents(trx, logged, at);
  const drafts = addressed.map((notice) => ({
    ...notice,
    accountEventId: notice.accountId === null ? null : eventIds.shift()!,
    happenedAt: at,
  }));
  await writeMessages(trx, drafts, new Date());
}

/** The same for one client. */
export const notify = (trx: Knex.Transaction, notice: Notice, at = new Date()): Promise<void> =>
  notifyAll(trx, [notice], at);

/** The first account of each client of whom none was named. */
async function accountsOf(
  trx: Knex.Transaction,
  notices: readonly Notice[],
): Promise<Map<string, string>> {
  const unnamed = notices.filter(({ accountId }) => accountId === undefined);
  if (unnamed.length === 0) return new Map();
  const rows = await trx('accounts')
    .whereIn(
      'client_id',
      unnamed.map(({ clientId }) => clientId),
    )
    .orderBy('created_at', 'desc')
    .select<{ id: string; clientId: string }[]>('id', { clientId: 'client_id' });
  return new Map(rows.map(({ id, clientId }) => [clientId, id])); // the oldest comes last, and stays
}
