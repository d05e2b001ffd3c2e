import { randomInt } from 'node:crypto';
import type { Knex } from 'knex';
import { newId } from '../ids.js';
import { ApiKey, Client } from '../identity/model.js';
import { buildApiKey, type ApiKeyCredentials } from '../identity/new-api-key.js';
import { EXTERNAL_ACCOUNT, USD } from '../ledger/house.js';
import { postJournals, type JournalEntry } from '../ledger/post.js';

export interface OpeningHolding {
  assetId: string;
  /** In 10^-9 units. */
  qty: bigint;
  /** What it cost, in 10^-4 USD. */
  cost: bigint;
}

export interface NewAccount {
  email: string;
  /** Null: only API keys, no login. */
  passwordHash: string | null;
  firstName: string;
  lastName: string;
  /** In 10^-4 USD. */
  cash: bigint;
  holdings: readonly OpeningHolding[];
}

export interface OpenedAccount extends ApiKeyCredentials {
  clientId: string;
  accountId: string;
}

/**
 * Opens accounts for active clients, with an API key each, and books what they bring in against the
 * external account: everything in the caller's transaction.
 * @throws the database's unique violation when an e-mail address is taken
 */
export async function openAccounts(
  trx: Knex.Transaction,
  requests: readonly NewAccount[],
): Promise<OpenedAccount[]> {
  const opened = requests.map((request) => {
    const clientId = newId();
    const accountId = newId();
    const label = 'created with the account';
    const key = buildApiKey({ clientId, accountId, scopes: ['read', 'trade'], label });
    return { request, clientId, accountId, key };
  });
  await trx.batchInsert(
    Client.tableName,
    opened.map(({ request, clientId }) => ({
      id: clientId,
      email: request.email,
      password_hash: request.passwordHash,
      first_name: request.firstName,
      last_name: request.lastName,
      role: 'client',
      status: 'active',
    })),
  );
  const accounts = opened.map(({ clientId, accountId }) => newAccount(clientId, accountId));
  await trx.batchInsert('accounts', accounts);
  await ApiKey.query(trx).insert(opened.map(({ key }) => key.row));
  const entries = opened
    .map(({ request, accountId }) => openingEntry(accountId, request))
    .filter(({ lines }) => lines.length > 0);
  if (entries.length > 0) await postJournals(trx, entries);
  return opened.map(({ clientId, accountId, key }) => ({
    clientId,
    accountId,
    ...key.credentials,
  }));
}

/** The account of a client who was accepted: its USD wallet has nothing in it (UC-01). */
export async function openEmptyAccount(
  trx: Knex.Transaction,
  clientId: string,
): Promise<{ id: string; accountNumber: string }> {
  const account = newAccount(clientId, newId());
  await trx('accounts').insert(account);
  return { id: account.id, accountNumber: account.account_number };
}

const newAccount = (clientId: string, id: string) => ({
  id,
  client_id: clientId,
  account_number: accountNumber(),
});

/** Brings cash and holdings in from outside. */
export function openingEntry(
  accountId: string,
  { cash, holdings }: Pick<NewAccount, 'cash' | 'holdings'>,
): JournalEntry {
  const money = cash > 0n ? [{ assetId: USD, qty: cash, cost: 0n }] : [];
  const lines = [...money, ...holdings.filter(({ qty }) => qty > 0n)].flatMap(
    ({ assetId, qty, cost }) => [
      { accountId, assetId, amount: qty, cost },
      { accountId: EXTERNAL_ACCOUNT, assetId, amount: -qty },
    ],
  );
  return { kind: 'opening', lines };
}

const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ';

/** Nine digits and three letters; the database refuses the unlikely twin. */
const accountNumber = (): string =>
  String(randomInt(1e9)).padStart(9, '0') +
  Array.from({ length: 3 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
