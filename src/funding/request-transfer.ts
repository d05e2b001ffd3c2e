import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { invalid, notFound } from '../errors.js';
import { newId } from '../ids.js';
import { findBankAccount } from './bank-accounts.js';
import { moveTransfer, subjectOf } from './move-transfer.js';
import { presentTransfer, STATUS_ON_WIRE } from './presenter.js';
import { checkAmount, checkTransfer, type TransferLimits } from './transfer-limits.js';
import {
  addEvent,
  changeHold,
  findTransfer,
  lockAccount,
  lockTransfer,
  type Direction,
  type Transfer,
  type TransferType,
} from './transfer-model.js';

export interface TransferRequest {
  readonly accountId: string;
  readonly bankAccountId: string;
  readonly direction: Direction;
  /** Null: as the bank account wants it. */
  readonly type: TransferType | null;
  /** In 10^-4 USD. */
  readonly amount: bigint;
}

/** A transfer that could not be sent for so long is canceled. */
const EXPIRES_AFTER_MS = 7 * 24 * 3_600_000;

/**
 * Accepts a deposit or a withdrawal: checked under the account's lock and written with its hold. A
 * worker sends it to the payment provider after the commit. Nothing is credited before it settles.
 * @throws DomainError 404 for a bank account that is not the client's; 403, 422 or 429 with the limit
 */
export async function requestTransfer(
  trx: Knex.Transaction,
  limits: TransferLimits,
  request: TransferRequest,
  by: Actor,
  now: Date,
): Promise<Transfer> {
  const { accountId, direction, amount } = request;
  checkAmount(amount, limits);
  const account = await lockAccount(trx, accountId);
  if (!account) throw notFound('account');
  const type = await transferTypeOf(trx, account.clientId, request);
  await checkTransfer(trx, limits, account, request, now);

  const id = newId();
  await trx('transfers').insert({
    id,
    account_id: accountId,
    bank_account_id: request.bankAccountId,
    direction,
    type,
    amount,
    created_at: now,
    updated_at: now,
    expires_at: new Date(now.getTime() + EXPIRES_AFTER_MS),
    reconcile_at: now,
  });
  if (direction === 'outgoing') await changeHold(trx, accountId, amount);
  const history = { type: 'requested', status: 'queued', providerEventId: null } as const;
  await addEvent(trx, id, { ...history, reason: null, occurredAt: now });
  const transfer = (await findTransfer(trx, id))!;
  await recordAct(trx, by, {
    action: 'transfer.request',
    subject: subjectOf(transfer),
    after: presentTransfer(transfer),
  });
  return transfer;
}

/** @throws DomainError 404 for a bank account that is not the client's, 422 for a type it cannot do */
async function transferTypeOf(
  trx: Knex.Transaction,
  clientId: string,
  { bankAccountId, type }: TransferRequest,
): Promise<TransferType> {
  const bankAccount = await findBankAccount(trx, clientId, bankAccountId);
  if (!bankAccount) throw notFound('bank account');
  if (bankAccount.kind === 'us') return type ?? 'ach';
  if (type === 'ach') throw invalid('transfer_type ach is for US bank accounts; use wire');
  return 'wire';
}

/**
 * Cancels a transfer that was not sent yet.
 * @throws DomainError 404 for another account's, 422 with its status when it is too late
 */
export async function cancelTransfer(
  trx: Knex.Transaction,
  accountId: string,
  id: string,
  by: Actor,
  now: Date,
): Promise<Transfer> {
  const locked = await lockTransfer(trx, id);
  if (locked?.transfer.accountId !== accountId) throw notFound('transfer');
  const { transfer } = locked;
  if (transfer.status !== 'queued') {
    const status = STATUS_ON_WIRE[transfer.status];
    throw invalid(`the transfer is ${status}: only one that is QUEUED can be canceled`, {
      transfer_status: status,
    });
  }
  const reason = 'canceled_by_client';
  const move = {
    to: 'canceled',
    event: 'canceled',
    action: 'transfer.cancel',
    by,
    reason,
  } as const;
  return moveTransfer(trx, transfer, move, now);
}
