import type { TransferData } from './events.js';
import { asMessage, type MailData, type Template } from './mail-template.js';
import { TRANSFER_MESSAGES } from './transfer-messages.js';

/** What a row keeps of a transfer: everything as text, and empty for what there is none of. */
const transferOf = (data: MailData): TransferData => ({
  transfer_id: '', // the fact is left out
  direction: data['what'] === 'deposit' ? 'deposit' : 'withdrawal',
  amount: data['amount']!,
  bank_account: data['bank_account']!,
  reason: data['reason'] || null,
  owed: data['owed'] || null,
});

/** Mails about deposits and withdrawals. */
export const TRANSFER_MAILS = {
  transfer_settled: asMessage(TRANSFER_MESSAGES['transfer.settled'], transferOf),
  transfer_failed: asMessage(TRANSFER_MESSAGES['transfer.failed'], transferOf),
  transfer_returned: asMessage(TRANSFER_MESSAGES['transfer.returned'], transferOf),
} as const satisfies Readonly<Record<string, Template>>;
