import type { Knex } from 'knex';
import { recordAct, systemActor, type Actor } from '../audit/record.js';
import { DomainError, notFound } from '../errors.js';
import { subjectOf } from './move-transfer.js';
import { presentStaffTransfer, presentTransfer } from './presenter.js';
import type { ProviderEvent } from './provider-events.js';
import { addEvent, lockTransfer, type Transfer } from './transfer-model.js';

const NOT_DISPUTED = 40910032;
const PROVIDER = systemActor('payment-provider');

/**
 * Notes that the provider has contradicted itself about a transfer: it books nothing, staff must look.
 * Under the account's lock.
 */
export async function disputeTransfer(
  trx: Knex.Transaction,
  transfer: Transfer,
  { id, type, reason }: Pick<ProviderEvent, 'id' | 'type' | 'reason'>,
  now: Date,
): Promise<void> {
  await addEvent(trx, transfer.id, {
    type: `contradiction: ${type}`,
    status: transfer.status,
    providerEventId: id,
    reason,
    occurredAt: now,
  });
  await trx('transfers').where({ id: transfer.id }).update({ disputed: true, updated_at: now });
  await recordAct(trx, PROVIDER, {
    action: 'transfer.contradiction',
    subject: subjectOf(transfer),
    before: presentTransfer(transfer),
    after: { event: type, event_id: id },
    reason,
  });
}

/**
 * Notes that somebody has looked at what the provider said of a transfer and has put right what there was
 * to be, with the provider or by adjustments. Books nothing. A later contradiction disputes it anew.
 * @throws DomainError 404 when there is none, 409 when it is not disputed
 */
export async function resolveDispute(
  trx: Knex.Transaction,
  id: string,
  { by, reason }: { readonly by: Actor; readonly reason: string },
  now: Date,
): Promise<Transfer> {
  const locked = await lockTransfer(trx, id);
  if (!locked) throw notFound('transfer');
  const { transfer } = locked;
  if (!transfer.disputed) {
    throw new DomainError('conflict', NOT_DISPUTED, 'the transfer is not disputed');
  }
  const resolved = { ...transfer, disputed: false, updatedAt: now };
  await trx('transfers').where({ id }).update({ disputed: false, updated_at: now });
  await addEvent(trx, id, {
    type: 'dispute_resolved',
    status: transfer.status,
    providerEventId: null,
    reason,
    occurredAt: now,
  });
  await recordAct(trx, by, {
    action: 'transfer.dispute_resolved',
    subject: subjectOf(transfer),
    before: presentStaffTransfer(transfer),
    after: presentStaffTransfer(resolved),
    reason,
  });
  return resolved;
}
