import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import type { CodeMailDeps } from './code-mails.js';
import { updateClient } from './model.js';

/**
 * Closes a sign-up whose address was never confirmed, and erases what is not needed of it: the address
 * stays, to know what was sent where.
 * @param reason a permanent string
 */
export async function closeSignUp(
  { codes, now }: Pick<CodeMailDeps, 'codes' | 'now'>,
  trx: Knex.Transaction,
  by: Actor,
  id: string,
  reason: 'sign-up expired' | 'sign-up replaced',
): Promise<void> {
  const at = now();
  for (const purpose of ['verify_email', 'reset_password'] as const) {
    await codes.end(trx, id, purpose, at);
  }
  await updateClient(trx, id, at, {
    status: 'closed',
    status_reason: reason,
    phone: null,
    address: null,
    date_of_birth: null,
    password_hash: null,
  });
  await recordAct(trx, by, {
    action: 'client.sign_up_closed',
    subject: { client_id: id },
    before: { status: 'pending' },
    after: { status: 'closed' },
    reason,
  });
}
