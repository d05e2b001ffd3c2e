import type { Knex } from 'knex';

/**
 * Ends what a client is logged in with; API processes notice within a second.
 * @param reason  a permanent string, such as `password_reset`
 * @param options `except` is the session that goes on
 */
export async function endSessions(
  trx: Knex.Transaction,
  clientId: string,
  reason: string,
  { now, except }: { now: Date; except?: string },
): Promise<void> {
  const open = trx('sessions').where({ client_id: clientId }).whereNull('ended_at');
  if (except !== undefined) void open.whereNot({ id: except });
  await open.update({ ended_at: now, end_reason: reason });
}
