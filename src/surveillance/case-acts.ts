import type { Knex } from 'knex';
import { recordAct, type Act, type Actor } from '../audit/record.js';
import { addCaseEvent, type CaseAction, type CaseEventRow } from './case-events.js';
import type { ListedCase } from './case-model.js';

type Change = Pick<Act, 'before' | 'after'>;

/**
 * Writes what was done to a case into its history and into the audit log; in the transaction that
 * does it.
 * @param note why, or what was found out
 */
export async function recordCaseAct(
  trx: Knex.Transaction,
  by: Actor,
  row: Pick<ListedCase, 'id' | 'account_ids' | 'symbol'>,
  { action, before, after, note }: Change & { action: CaseAction; note?: string },
): Promise<CaseEventRow> {
  const accountId = row.account_ids[0]!; // the log is searched by one; `after` names them all
  const owner = await trx('accounts')
    .where({ id: accountId })
    .first<{ client_id: string | null } | undefined>('client_id');
  await recordAct(trx, by, {
    action: `case.${action}`,
    subject: {
      case_id: row.id,
      client_id: owner?.client_id ?? null,
      account_id: accountId,
      symbol: row.symbol,
    },
    before: before ?? null,
    after: after ?? null,
    reason: note ?? null,
  });
  return addCaseEvent(trx, row.id, {
    actor: by.clientId,
    action,
    ...(before && { before }),
    ...(after && { after }),
    ...(note !== undefined && { note }),
    now: new Date(),
  });
}
