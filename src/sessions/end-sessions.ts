import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { Session, type EndReason } from './model.js';

export interface EndingOptions {
  readonly by: Actor;
  readonly reason: EndReason;
  readonly now: Date;
  /** Only this one. */
  readonly only?: string;
  /** All but this one. */
  readonly except?: string;
}

/**
 * Ends sessions of a client: their tokens are refused within a second, everywhere.
 * @returns how many had not ended
 */
export async function endSessions(
  trx: Knex.Transaction,
  clientId: string,
  { by, reason, now, only, except }: EndingOptions,
): Promise<number> {
  const query = Session.query(trx)
    .where({ client_id: clientId })
    .whereNull('ended_at')
    .patch({ endedAt: now, endReason: reason });
  if (only !== undefined) void query.where({ id: only });
  if (except !== undefined) void query.whereNot({ id: except });
  const ended = await query.returning('id');
  for (const { id } of ended as unknown as { id: string }[]) {
    const subject = { client_id: clientId, session_id: id };
    await recordAct(trx, by, { action: 'session.ended', subject, reason });
  }
  return (ended as unknown as unknown[]).length;
}
