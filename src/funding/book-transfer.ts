import type { Knex } from 'knex';
import { splitReturn } from '../domain/transfer-state.js';
import { BANK_ACCOUNT, RECEIVABLES_ACCOUNT, USD } from '../ledger/house.js';
import { postJournals, type JournalEntry, type JournalLine } from '../ledger/post.js';
import type { LockedAccount, Transfer } from './transfer-model.js';

/**
 * Books a transfer that has settled: a deposit from the bank to the client's account, a withdrawal the
 * other way round. Under the account's lock; what a withdrawal held must be free already.
 * @throws the database's unique violation when it is booked already
 */
export async function bookSettlement(trx: Knex.Transaction, transfer: Transfer): Promise<void> {
  const { accountId, amount, direction } = transfer;
  const change = direction === 'incoming' ? amount : -amount;
  const kind = direction === 'incoming' ? 'deposit' : 'withdrawal';
  const lines = [usd(accountId, change), usd(BANK_ACCOUNT, -change)];
  await book(trx, transfer, 'settlement', { kind, lines });
}

/**
 * Books a settled transfer back. Of a deposit whose money is not there any more, what is free on the
 * account is taken, and the rest becomes a claim of the house.
 * @returns what the client owes now, in 10^-4 USD
 * @throws the database's unique violation when it is booked back already
 */
export async function bookReversal(
  trx: Knex.Transaction,
  transfer: Transfer,
  account: LockedAccount,
): Promise<bigint> {
  const { accountId, amount, direction } = transfer;
  const isDeposit = direction === 'incoming';
  const { taken, owed } = isDeposit ? splitReturn(amount, account) : { taken: -amount, owed: 0n };
  const lines = [
    usd(accountId, -taken),
    usd(RECEIVABLES_ACCOUNT, -owed),
    usd(BANK_ACCOUNT, taken + owed),
  ].filter(({ amount: part }) => part !== 0n);
  await book(trx, transfer, 'reversal', { kind: 'reversal', lines });
  return owed;
}

/** Books that a client pays what a returned deposit has left them owing. */
export async function bookRecovery(
  trx: Knex.Transaction,
  accountId: string,
  amount: bigint,
): Promise<void> {
  const lines = [usd(accountId, -amount), usd(RECEIVABLES_ACCOUNT, amount)];
  await postJournals(trx, [{ kind: 'adjustment', lines }]);
}

const usd = (accountId: string, amount: bigint): JournalLine => ({
  accountId,
  assetId: USD,
  amount,
});

/** The database keeps one journal a transfer and kind. */
async function book(
  trx: Knex.Transaction,
  transfer: Transfer,
  kind: 'settlement' | 'reversal',
  entry: JournalEntry,
): Promise<void> {
  const [journalId] = await postJournals(trx, [entry]);
  await trx('transfer_journals').insert({ transfer_id: transfer.id, kind, journal_id: journalId });
}
