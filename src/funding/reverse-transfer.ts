import type { Knex } from 'knex';
import type { Actor } from '../audit/record.js';
import { forbidden, invalid, notFound } from '../errors.js';
import { setBlock } from '../risk/blocks.js';
import { bookReversal } from './book-transfer.js';
import { moveTransfer, type Move } from './move-transfer.js';
import { STATUS_ON_WIRE } from './presenter.js';
import { tellClient } from './tell-client.js';
import { lockTransfer, type LockedAccount, type Transfer } from './transfer-model.js';

export type ReturnMove = Pick<Move, 'event' | 'action' | 'by' | 'providerEventId'> & {
  readonly reason: string;
};

/**
 * Takes a settled transfer back, in the caller's transaction and under the account's lock: booked the
 * other way round, and told to the client. Who owes the house something afterwards is restricted:
 * places no new orders and transfers nothing until staff have looked at it.
 */
export async function returnTransfer(
  trx: Knex.Transaction,
  { transfer, account }: { transfer: Transfer; account: LockedAccount },
  move: ReturnMove,
  now: Date,
): Promise<Transfer> {
  const owed = await bookReversal(trx, transfer, account);
  const returned = await moveTransfer(trx, transfer, { ...move, to: 'returned', owed }, now);
  if (owed > 0n) {
    const target = { account_id: account.id, asset_id: null, symbol: null };
    const reason = `a deposit came back and left a debt (transfer ${transfer.id})`;
    await setBlock(trx, { kind: 'restrict', target }, { by: move.by, reason });
  }
  await tellClient(trx, returned);
  return returned;
}

/**
 * Takes a settled transfer back on behalf of staff; two of them, see reversal-approval.ts.
 * @throws DomainError as `requireReversible` does
 */
export async function reverseTransfer(
  trx: Knex.Transaction,
  { id, by, reason }: { id: string; by: Actor; reason: string },
  now: Date,
): Promise<Transfer> {
  const locked = await requireReversible(trx, id, by);
  const move = { event: 'reversed', action: 'transfer.reverse', by, reason } as const;
  return returnTransfer(trx, locked, move, now);
}

/**
 * Locks a transfer that this member of staff may take back.
 * @throws DomainError 404 when there is none; 403 for the actor's own; 422 when it is not settled
 */
export async function requireReversible(
  trx: Knex.Transaction,
  id: string,
  by: Actor,
): Promise<{ transfer: Transfer; account: LockedAccount }> {
  const locked = await lockTransfer(trx, id);
  if (!locked) throw notFound('transfer');
  const { transfer } = locked;
  if (transfer.clientId === by.clientId) throw forbidden('nobody reverses their own transfer');
  if (transfer.status !== 'settled') {
    const status = STATUS_ON_WIRE[transfer.status];
    throw invalid(`the transfer is ${status}: only one that is COMPLETE can be reversed`, {
      transfer_status: status,
    });
  }
  return locked;
}
