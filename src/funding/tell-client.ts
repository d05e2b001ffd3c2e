import type { Knex } from 'knex';
import { formatDecimal, PRICE_SCALE } from '../domain/money.js';
import type { Sealer } from '../identity/sealer.js';
import { enqueueMail } from '../notifications/mails.js';
import type { Transfer } from './transfer-model.js';

const MAILS = {
  settled: 'transfer_settled',
  failed: 'transfer_failed',
  returned: 'transfer_returned',
} as const;

interface Addressee {
  email: string;
  firstName: string;
  nickname: string | null;
  last4: string;
}

/** Writes the mail that tells the client what has become of a transfer, if it is worth one. */
export async function tellClient(
  trx: Knex.Transaction,
  sealer: Sealer,
  transfer: Transfer,
): Promise<void> {
  const { status } = transfer;
  if (status !== 'settled' && status !== 'failed' && status !== 'returned') return;
  const to = await trx('bank_accounts as b')
    .join('clients as c', 'c.id', 'b.client_id')
    .where('b.id', transfer.bankAccountId)
    .first<Addressee>({
      email: 'c.email',
      firstName: 'c.first_name',
      nickname: 'b.nickname',
      last4: 'b.last4',
    });
  await enqueueMail(trx, sealer, {
    kind: MAILS[status],
    to: to.email,
    clientId: transfer.clientId,
    data: {
      first_name: to.firstName,
      what: transfer.direction === 'incoming' ? 'deposit' : 'withdrawal',
      amount: formatDecimal(transfer.amount, PRICE_SCALE),
      bank_account: `${to.nickname ?? 'your bank account'} (...${to.last4})`,
      reason: (transfer.reason ?? '').replaceAll('_', ' '),
      owed: transfer.owed > 0n ? formatDecimal(transfer.owed, PRICE_SCALE) : '',
    },
  });
}
