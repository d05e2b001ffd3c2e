import type { Knex } from 'knex';
import { formatDecimal, PRICE_SCALE } from '../domain/money.js';
import { notify } from '../notifications/notify.js';
import type { Transfer } from './transfer-model.js';

const EVENTS = {
  settled: 'transfer.settled',
  failed: 'transfer.failed',
  returned: 'transfer.returned',
} as const;

/** Tells the client what has become of a transfer, if it is worth it; under the account's lock. */
export async function tellClient(trx: Knex.Transaction, transfer: Transfer): Promise<void> {
  const { status, clientId, accountId } = transfer;
  if (status !== 'settled' && status !== 'failed' && status !== 'returned') return;
  const { nickname, last4 } = await trx('bank_accounts')
    .where({ id: transfer.bankAccountId })
    .first<{ nickname: string | null; last4: string }>('nickname', 'last4');
  const data = {
    transfer_id: transfer.id,
    direction: transfer.direction === 'incoming' ? 'deposit' : 'withdrawal',
    amount: formatDecimal(transfer.amount, PRICE_SCALE),
    bank_account: `${nickname ?? 'your bank account'} (...${last4})`,
    reason: transfer.reason?.replaceAll('_', ' ') ?? null,
    owed: transfer.owed > 0n ? formatDecimal(transfer.owed, PRICE_SCALE) : null,
  } as const;
  await notify(trx, { clientId, accountId, event: EVENTS[status], data });
}
