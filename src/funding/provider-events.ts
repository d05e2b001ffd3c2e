import type { Knex } from 'knex';
import { systemActor } from '../audit/record.js';
import { eventsInTurn, judgeEvent, type ProviderEventType } from '../domain/transfer-state.js';
import { notFound } from '../errors.js';
import type { Logger } from '../log.js';
import { bookSettlement } from './book-transfer.js';
import { disputeTransfer } from './disputes.js';
import { callbacksReceived, providerLatency, transfersMoved } from './metrics.js';
import { moveTransfer } from './move-transfer.js';
import { returnTransfer } from './reverse-transfer.js';
import { tellClient } from './tell-client.js';
import { addEvent, lockTransfer, type LockedAccount, type Transfer } from './transfer-model.js';

/** Something that the payment provider says of a transfer, its signature checked. */
export interface ProviderEvent {
  readonly id: string;
  readonly transferId: string;
  /** Its place among the transfer's events. */
  readonly sequence: number;
  readonly type: ProviderEventType;
  /** In 10^-4 USD. */
  readonly amount: bigint;
  readonly reason: string | null;
}

export interface ProviderEventsDeps {
  readonly knex: Knex;
  readonly log: Logger;
  /** Told that there are mails to send. Must neither wait nor throw. */
  readonly nudgeNotifications: () => void;
}

const BY = systemActor('payment-provider');

type Outcome = 'kept' | 'repeated' | 'contradiction';

/**
 * Takes in what the provider says. Each event is kept once, by its id and by its place, and takes effect
 * once and in its turn: one that comes early waits for those before it. So the outcome is the same
 * however often and in whatever order they arrive.
 * @throws DomainError 404 for a transfer that we do not know
 */
export async function receiveProviderEvent(
  deps: ProviderEventsDeps,
  event: ProviderEvent,
  now: Date,
): Promise<void> {
  const { knex, log, nudgeNotifications } = deps;
  const { outcome, moves } = await knex.transaction(async (trx) => {
    const locked = await lockTransfer(trx, event.transferId);
    if (!locked) throw notFound('transfer');
    const kept = await keep(trx, event, now);
    if (kept === 'contradiction') await disputeTransfer(trx, locked.transfer, event, now);
    if (kept !== 'kept') return { outcome: kept, moves: [] };
    return { outcome: kept, moves: await applyInTurn(trx, deps, locked, now) };
  });
  callbacksReceived.inc({ outcome });
  if (outcome === 'contradiction') {
    log.error('the payment provider gave two events the same place', {
      transfer_id: event.transferId,
      event_id: event.id,
    });
  }
  for (const { direction, status, sentAt } of moves) {
    transfersMoved.inc({ direction, status });
    if (status === 'returned' || sentAt === null) continue;
    providerLatency.observe({ status }, (now.getTime() - sentAt.getTime()) / 1_000);
  }
  if (moves.length > 0) nudgeNotifications();
}

/** Under the account's lock, so that copies that arrive together are seen one after the other. */
async function keep(trx: Knex.Transaction, event: ProviderEvent, now: Date): Promise<Outcome> {
  const inserted = await trx('transfer_callbacks')
    .insert({
      event_id: event.id,
      transfer_id: event.transferId,
      sequence: event.sequence,
      type: event.type,
      amount: event.amount,
      reason: event.reason,
      received_at: now,
    })
    .onConflict()
    .ignore()
    .returning<{ event_id: string }[]>('event_id');
  if (inserted.length > 0) return 'kept';
  const known = await trx('transfer_callbacks')
    .where({ event_id: event.id })
    .first<{ event_id: string } | undefined>('event_id');
  if (known) return 'repeated';
  const noted = await trx('transfer_events')
    .where({ transfer_id: event.transferId, provider_event_id: event.id })
    .first<{ id: string } | undefined>('id');
  return noted ? 'repeated' : 'contradiction';
}

/** @returns the transfer after each event that moved it */
async function applyInTurn(
  trx: Knex.Transaction,
  deps: ProviderEventsDeps,
  locked: { transfer: Transfer; account: LockedAccount },
  now: Date,
): Promise<Transfer[]> {
  const { account } = locked;
  let { transfer } = locked;
  const waiting = await trx('transfer_callbacks')
    .where({ transfer_id: transfer.id })
    .where('sequence', '>', transfer.providerSequence)
    .select<Omit<ProviderEvent, 'transferId'>[]>({
      id: 'event_id',
      sequence: 'sequence',
      type: 'type',
      amount: 'amount',
      reason: 'reason',
    });
  const turn = eventsInTurn(transfer.providerSequence, waiting);
  const moves: Transfer[] = [];
  for (const event of turn) {
    const current = moves.length > 0 ? await lockTransfer(trx, transfer.id) : { transfer, account };
    const moved = await apply(trx, deps, current!, event, now);
    if (moved) moves.push((transfer = moved));
  }
  const last = turn.at(-1);
  if (last) {
    await trx('transfers').where({ id: transfer.id }).update({ provider_sequence: last.sequence });
  }
  return moves;
}

async function apply(
  trx: Knex.Transaction,
  { log }: ProviderEventsDeps,
  { transfer, account }: { transfer: Transfer; account: LockedAccount },
  { id, type, amount, reason }: Omit<ProviderEvent, 'transferId'>,
  now: Date,
): Promise<Transfer | null> {
  const verdict = judgeEvent(transfer.status, type);
  const history = { type, status: transfer.status, providerEventId: id, reason, occurredAt: now };
  if (verdict.kind === 'contradiction' || amount !== transfer.amount) {
    log.error('the payment provider contradicts itself', {
      transfer_id: transfer.id,
      status: transfer.status,
      event: type,
    });
    await disputeTransfer(trx, transfer, { id, type, reason }, now);
    return null;
  }
  if (verdict.kind === 'nothing_new') {
    await addEvent(trx, transfer.id, history);
    return null;
  }
  const why = { by: BY, event: type, providerEventId: id };
  if (verdict.to === 'returned') {
    const move = { ...why, action: 'transfer.return', reason: reason ?? 'returned' } as const;
    return returnTransfer(trx, { transfer, account }, move, now);
  }
  const moved = await moveTransfer(
    trx,
    transfer,
    verdict.to === 'settled'
      ? { ...why, to: 'settled', action: 'transfer.settle', reason }
      : { ...why, to: 'failed', action: 'transfer.fail', reason: reason ?? 'failed' },
    now,
  );
  if (verdict.to === 'settled') await bookSettlement(trx, moved);
  await tellClient(trx, moved);
  return moved;
}
