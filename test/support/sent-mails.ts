import { openMail, type ClaimedMail } from '../../src/notifications/mails.js';
import type { AccountMail } from '../../src/notifications/account-mails.js';
import type { Trading } from './trading.js';

/** The mails that wait for somebody, the oldest first, with their secrets. */
export async function mailsTo(
  { container: { db, sealer } }: Pick<Trading, 'container'>,
  address: string,
): Promise<AccountMail[]> {
  const rows = await db
    .knex('mails')
    .where({ recipient: address })
    .orderBy('id')
    .select<ClaimedMail[]>('id', 'kind', 'data', 'attempts', {
      to: 'recipient',
      sealed: 'secret',
    });
  return rows.map((row) => openMail(sealer, row));
}
