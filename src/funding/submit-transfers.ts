import type { Queue } from 'bullmq';
import type { Knex } from 'knex';
import { systemActor } from '../audit/record.js';
import { formatDecimal, PRICE_SCALE } from '../domain/money.js';
import type { Sealer } from '../identity/sealer.js';
import type { Logger } from '../log.js';
import type { PaymentJob } from '../payment-provider/instructions.js';
import { transfersMoved } from './metrics.js';
import { moveTransfer } from './move-transfer.js';
import { lockTransfer, type LockedAccount, type Transfer } from './transfer-model.js';

export interface SubmitDeps {
  readonly knex: Knex;
  readonly sealer: Sealer;
  readonly log: Logger;
  /** The payment provider's. */
  readonly payments: Queue<PaymentJob>;
  readonly now?: () => Date;
}

const BY = systemActor('submit-transfers');
const PAGE = 100;
/** Then the provider is told again, or asked. */
const TELL_AGAIN_AFTER_MS = 10_000;
const ASK_AFTER_MS = 60_000;

/**
 * Sends everything that waits to the payment provider. Marked as sent first, and told after the commit:
 * from then on nobody cancels it, and if the word gets lost `reconcile` tells it again. Safe to run
 * any number of times, by any number of workers.
 * @returns how many were sent
 */
export async function submitTransfers(deps: SubmitDeps): Promise<number> {
  let sent = 0;
  for (;;) {
    const queued = await deps
      .knex('transfers')
      .where({ status: 'queued' })
      .orderBy('id')
      .limit(PAGE)
      .select<{ id: string }[]>('id');
    for (const { id } of queued) if (await submit(deps, id)) sent += 1;
    if (queued.length < PAGE) return sent;
  }
}

async function submit(deps: SubmitDeps, id: string): Promise<boolean> {
  const { knex, now = () => new Date() } = deps;
  const moved = await knex.transaction(async (trx) => {
    const locked = await lockTransfer(trx, id);
    if (locked?.transfer.status !== 'queued') return null; // canceled, or another worker was first
    const reason = obstacle(locked, now());
    const move = reason
      ? ({ to: 'canceled', event: 'canceled', action: 'transfer.cancel', by: BY, reason } as const)
      : ({ to: 'sent', event: 'sent', action: 'transfer.submit', by: BY, reason } as const);
    const again = new Date(now().getTime() + TELL_AGAIN_AFTER_MS);
    await trx('transfers').where({ id }).update({ reconcile_at: again });
    return moveTransfer(trx, locked.transfer, move, now());
  });
  if (!moved) return false;
  transfersMoved.inc({ direction: moved.direction, status: moved.status });
  if (moved.status !== 'sent') return false;
  await tellProvider(deps, moved);
  return true;
}

/** Why a transfer that was accepted is not sent after all: what was true then may not be any more. */
function obstacle(
  { transfer, account }: { transfer: Transfer; account: LockedAccount },
  now: Date,
): string | null {
  if (transfer.expiresAt <= now) return 'expired';
  if (account.clientStatus !== 'active' || account.restricted) return 'account_restricted';
  return null;
}

/** Redis may be away: the transfer is sent all the same, only later. */
async function tellProvider({ payments, log }: SubmitDeps, transfer: Transfer): Promise<void> {
  const { id: reference, direction, amount, bankAccountId } = transfer;
  const instruction = {
    reference,
    direction,
    amount: formatDecimal(amount, PRICE_SCALE),
    bank_account: bankAccountId,
  };
  try {
    await payments.add('pay', { kind: 'pay', instruction });
  } catch (error) {
    log.warn('the payment provider could not be told; it will be', {
      transfer_id: reference,
      error,
    });
  }
}

/**
 * Looks after transfers that were sent and have come to no end: tells the provider again as long as it
 * has not answered, and asks it what has become of them. It knows each by its reference: told twice
 * it pays once.
 * @returns how many were asked about
 */
export async function reconcileTransfers(deps: SubmitDeps): Promise<number> {
  const { knex, payments, log, now = () => new Date() } = deps;
  const again = new Date(now().getTime() + ASK_AFTER_MS);
  const { rows } = await knex.raw<{ rows: { id: string; providerSequence: number }[] }>(
    `update transfers t set reconcile_at = :again
     from (
       select id from transfers where status = 'sent' and reconcile_at <= :now
       order by reconcile_at limit :page for update skip locked
     ) as due
     where t.id = due.id and t.status = 'sent'
     returning t.id, t.provider_sequence as "providerSequence"`,
    { now: now(), again, page: PAGE },
  );
  for (const { id, providerSequence } of rows) {
    const transfer = await knex.transaction((trx) => lockTransfer(trx, id));
    if (transfer?.transfer.status !== 'sent') continue;
    log.warn('asked the payment provider about a transfer', { transfer_id: id });
    if (providerSequence === 0) await tellProvider(deps, transfer.transfer);
    const query = { reference: id };
    await payments.add('query', { kind: 'query', query }).catch(() => undefined); // in a minute again
  }
  return rows.length;
}
