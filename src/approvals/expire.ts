import type { Knex } from 'knex';
import { recordAct, systemActor } from '../audit/record.js';
import { lockOverdue, writeDecision } from './model.js';

const BATCH = 100;
const BATCHES_MAX = 100;

/**
 * Ends the approvals that nobody decided about in time. Safe to run twice at once: each takes others.
 * @returns how many
 */
export async function expireApprovals(knex: Knex, now: Date): Promise<number> {
  let expired = 0;
  for (let batch = 0; batch < BATCHES_MAX; batch += 1) {
    const count = await knex.transaction((trx) => expireSome(trx, now));
    expired += count;
    if (count < BATCH) break;
  }
  return expired;
}

async function expireSome(trx: Knex.Transaction, now: Date): Promise<number> {
  const overdue = await lockOverdue(trx, now, BATCH);
  for (const approval of overdue) {
    await writeDecision(trx, approval, { status: 'expired', decided_at: now });
    await recordAct(trx, systemActor('approvals-expiry'), {
      action: 'approval.expired',
      subject: { ...approval.subject, approval_id: approval.id },
      before: { status: 'pending' },
      after: { status: 'expired', kind: approval.kind, summary: approval.summary },
    });
  }
  return overdue.length;
}
