import { v7 as uuidv7 } from 'uuid';
import { addBankAccount } from '../../src/funding/bank-accounts.js';
import type { LookAfterDeps } from '../../src/funding/look-after-transfers.js';
import { systemActor } from '../../src/audit/record.js';
import { createLogger } from '../../src/log.js';
import { transferDeps as workersTransferDeps } from '../../workers/maintenance-deps.js';
import { sessionOf } from './session.js';
import type { Answer, Api } from './api.js';
import type { Trading } from './trading.js';

/** For tests in which the payment provider contradicts itself: that is logged as an error. */
export const quiet = createLogger('error', 'test');
quiet.silent = true;

/** A bank account of the client who owns a trading account of the test. */
export async function bankAccountOf(trading: Trading, account: number): Promise<string> {
  const { db, sealer } = trading.container;
  const clientId = await clientOf(trading, account);
  const number = { kind: 'us', routing: '021000021', account: String(100_000 + account) } as const;
  const added = await db.knex.transaction((trx) =>
    addBankAccount(
      trx,
      sealer,
      { clientId, holderName: 'Seeded Trader', nickname: null, number },
      systemActor('test'),
    ),
  );
  return added.id;
}

export async function clientOf(trading: Trading, account: number): Promise<string> {
  const { account_id: id } = trading.accounts[account]!;
  const row = await trading.container.db
    .knex('accounts')
    .where({ id })
    .first<{ client_id: string }>('client_id');
  return row.client_id;
}

/** What the upkeep of transfers works with. */
export const transferDeps = ({ container }: Pick<Trading, 'container'>): LookAfterDeps =>
  workersTransferDeps(container);

/** A client who deposits and withdraws: their bank account and a session with a second factor. */
export interface FundingClient {
  readonly account: number;
  readonly accountId: string;
  readonly bankAccountId: string;
  readonly session: { Authorization: string };
  transfer(direction: 'INCOMING' | 'OUTGOING', amount: string, key?: string): Promise<Answer>;
}

export async function fundingClient(
  trading: Trading,
  api: Api,
  account: number,
): Promise<FundingClient> {
  const { account_id: accountId } = trading.accounts[account]!;
  const bankAccountId = await bankAccountOf(trading, account);
  const person = { id: await clientOf(trading, account), accountId };
  const session = await sessionOf(trading, api, person, { steppedUp: true });
  return {
    account,
    accountId,
    bankAccountId,
    session,
    transfer: (direction, amount, key = uuidv7()) =>
      api.call('POST', '/v2/transfers', {
        headers: { ...session, 'Idempotency-Key': key },
        body: { direction, amount, bank_account_id: bankAccountId },
      }),
  };
}

/** So high that no test meets them. */
export const HIGH_LIMITS = {
  TRANSFER_MAX: '100000',
  DEPOSIT_DAILY_MAX: '10000000',
  WITHDRAWAL_DAILY_MAX: '10000000',
  TRANSFERS_PER_HOUR: '100000',
  FAILED_DEPOSITS_MAX: '100000',
};
