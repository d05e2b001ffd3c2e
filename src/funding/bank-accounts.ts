import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { OPEN_STATUSES } from '../domain/transfer-state.js';
import { DomainError, notFound } from '../errors.js';
import type { Sealer } from '../identity/sealer.js';
import { newId } from '../ids.js';

/** A client's account at a bank; its number is known by its last four characters. */
export interface BankAccount {
  readonly id: string;
  readonly clientId: string;
  readonly kind: 'iban' | 'us';
  readonly country: string;
  readonly holderName: string;
  readonly nickname: string | null;
  readonly last4: string;
  readonly status: 'active' | 'closed';
  readonly createdAt: Date;
}

/** A number that has passed its checks: an IBAN, or a US routing and account number. */
export type BankNumber =
  | { readonly kind: 'iban'; readonly iban: string }
  | { readonly kind: 'us'; readonly routing: string; readonly account: string };

export interface NewBankAccount {
  readonly clientId: string;
  readonly holderName: string;
  readonly nickname: string | null;
  readonly number: BankNumber;
}

export const BANK_ACCOUNTS_MAX = 5;

const COLUMNS = {
  id: 'id',
  clientId: 'client_id',
  kind: 'kind',
  country: 'country',
  holderName: 'holder_name',
  nickname: 'nickname',
  last4: 'last4',
  status: 'status',
  createdAt: 'created_at',
};

const active = (knex: Knex, clientId: string) =>
  knex('bank_accounts').where({ client_id: clientId, status: 'active' });

/** The client's bank accounts, the oldest first. */
export const listBankAccounts = async (knex: Knex, clientId: string): Promise<BankAccount[]> =>
  await active(knex, clientId).orderBy('id').select<BankAccount[]>(COLUMNS);

/** One of the client's; another client's and a closed one are not there. It stays until the end. */
export const findBankAccount = async (
  trx: Knex.Transaction,
  clientId: string,
  id: string,
): Promise<BankAccount | undefined> =>
  await active(trx, clientId).where({ id }).forShare().first<BankAccount | undefined>(COLUMNS);

/**
 * Adds a bank account. Its number is kept sealed, and as a fingerprint that tells where the same one
 * comes again.
 * @throws DomainError 409 for one that the client has already, 403 for one too many
 */
export async function addBankAccount(
  trx: Knex.Transaction,
  sealer: Sealer,
  { clientId, holderName, nickname, number }: NewBankAccount,
  by: Actor,
): Promise<BankAccount> {
  const id = newId();
  const whole = number.kind === 'iban' ? number.iban : number.account;
  const fingerprint = sealer.fingerprint(normalized(number));
  await trx.raw('select id from clients where id = ? for no key update', [clientId]); // counts, then adds
  const own = await active(trx, clientId).select<{ id: string; fingerprint: Buffer }[]>(
    'id',
    'fingerprint',
  );
  const same = own.find((one) => one.fingerprint.equals(fingerprint));
  if (same) {
    const details = { bank_account_id: same.id };
    throw new DomainError('conflict', 40910020, 'you have this bank account already', details);
  }
  if (own.length >= BANK_ACCOUNTS_MAX) {
    const message = `you have ${own.length} bank accounts; ${BANK_ACCOUNTS_MAX} are the most`;
    throw new DomainError('forbidden', 40310025, message, { limit: BANK_ACCOUNTS_MAX });
  }
  const [bankAccount] = await trx('bank_accounts')
    .insert({
      id,
      client_id: clientId,
      kind: number.kind,
      country: number.kind === 'iban' ? number.iban.slice(0, 2) : 'US',
      holder_name: holderName,
      nickname,
      number_sealed: sealer.seal(JSON.stringify(number), `bank account ${id}`),
      last4: whole.slice(-4),
      fingerprint,
    })
    .returning<BankAccount[]>(aliased());
  const after = presentBankAccount(bankAccount!);
  const subject = { client_id: clientId, bank_account_id: id };
  await recordAct(trx, by, { action: 'bank_account.add', subject, after });
  return bankAccount!;
}

const aliased = () => Object.entries(COLUMNS).map(([name, column]) => `${column} as ${name}`);

/** The same account, however it was written. */
const normalized = (number: BankNumber): string =>
  number.kind === 'iban' ? `iban:${number.iban}` : `us:${number.routing}:${number.account}`;

/**
 * Takes a bank account away; its transfers keep it.
 * @throws DomainError 404 for another client's, 409 while a transfer is under way
 */
export async function removeBankAccount(
  trx: Knex.Transaction,
  clientId: string,
  id: string,
  by: Actor,
): Promise<void> {
  const found = await active(trx, clientId)
    .where({ id })
    .forUpdate()
    .first<BankAccount | undefined>(COLUMNS);
  if (!found) throw notFound('bank account');
  const open = await trx('transfers')
    .where({ bank_account_id: id })
    .whereIn('status', OPEN_STATUSES)
    .first<{ id: string } | undefined>('id');
  if (open) {
    const message = 'a transfer with this bank account is under way';
    throw new DomainError('conflict', 40910021, message, { transfer_id: open.id });
  }
  await trx('bank_accounts').where({ id }).update({ status: 'closed', closed_at: new Date() });
  const subject = { client_id: clientId, bank_account_id: id };
  const before = presentBankAccount(found);
  await recordAct(trx, by, { action: 'bank_account.remove', subject, before });
}

export const presentBankAccount = (bankAccount: BankAccount): Record<string, unknown> => ({
  id: bankAccount.id,
  account_owner_name: bankAccount.holderName,
  nickname: bankAccount.nickname,
  kind: bankAccount.kind,
  country: bankAccount.country,
  last4: bankAccount.last4,
  status: bankAccount.status === 'active' ? 'APPROVED' : 'CANCELED',
  created_at: bankAccount.createdAt.toISOString(),
});
