import type { Knex } from 'knex';
import type { AuditAction } from '../audit/actions.js';
import { recordAct, type Actor } from '../audit/record.js';
import type { TransferStatus } from '../domain/transfer-state.js';
import { presentTransfer } from './presenter.js';
import { addEvent, changeHold, findTransfer, isOpen, type Transfer } from './transfer-model.js';

/** A step of a transfer, and who takes it. */
export interface Move {
  readonly to: TransferStatus;
  /** What happened, for the history, such as `submitted`. */
  readonly event: string;
  readonly action: AuditAction;
  readonly by: Actor;
  readonly reason: string | null;
  readonly providerEventId?: string;
  /** What else changes. */
  readonly owed?: bigint;
}

const SETTLED: ReadonlySet<TransferStatus> = new Set(['settled', 'returned']);

/**
 * Brings a transfer to another status, with its line of history and its entry in the audit log; under
 * its account's lock. What a withdrawal held is free again as soon as it is not open any more.
 * @returns the transfer as it is now
 */
export async function moveTransfer(
  trx: Knex.Transaction,
  transfer: Transfer,
  { to, event, action, by, reason, providerEventId, owed }: Move,
  now: Date,
): Promise<Transfer> {
  const closes = !isOpen({ status: to });
  await trx('transfers')
    .where({ id: transfer.id })
    .update({
      status: to,
      reason: reason ?? transfer.reason,
      updated_at: now,
      ...(owed !== undefined && { owed }),
      ...(to === 'sent' && { sent_at: now }),
      ...(SETTLED.has(to) && { settled_at: transfer.settledAt ?? now }),
      ...(closes && { closed_at: now }),
    });
  if (transfer.direction === 'outgoing' && isOpen(transfer) && closes) {
    await changeHold(trx, transfer.accountId, -transfer.amount);
  }
  const moved = (await findTransfer(trx, transfer.id))!;
  await addEvent(trx, transfer.id, {
    type: event,
    status: to,
    providerEventId: providerEventId ?? null,
    reason,
    occurredAt: now,
  });
  await recordAct(trx, by, {
    action,
    subject: subjectOf(transfer),
    before: presentTransfer(transfer),
    after: presentTransfer(moved),
    reason,
  });
  return moved;
}

export const subjectOf = (transfer: Transfer) => ({
  client_id: transfer.clientId,
  account_id: transfer.accountId,
  transfer_id: transfer.id,
});
