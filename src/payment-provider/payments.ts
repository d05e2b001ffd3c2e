import type { Knex } from 'knex';
import { parseDecimal, PRICE_SCALE } from '../domain/money.js';
import { newId } from '../ids.js';
import { behaviourFor, type PlannedAnswer } from './behaviour.js';
import type { PaymentInstruction, PaymentQuery } from './instructions.js';

/**
 * Takes a payment on, and decides with it all that it will ever say about it. A reference that it knows
 * is the payment that it has: nothing is done twice.
 * @throws RangeError for an amount that is not a decimal
 */
export async function takePayment(
  knex: Knex,
  { reference, direction, amount, bank_account }: PaymentInstruction,
  now: Date,
): Promise<void> {
  const units = parseDecimal(amount, PRICE_SCALE);
  const id = newId();
  await knex.transaction(async (trx) => {
    const taken = await trx('payment_provider.payments')
      .insert({ id, reference, direction, amount: units, bank_account, created_at: now })
      .onConflict('reference')
      .ignore()
      .returning<{ id: string }[]>('id');
    if (taken.length === 0) return;
    const answers = behaviourFor(units).answers.map((answer, index) =>
      eventRow(id, index + 1, answer, now),
    );
    await trx('payment_provider.events').insert(answers);
  });
}

function eventRow(paymentId: string, sequence: number, answer: PlannedAnswer, now: Date) {
  const { type, reason = null, afterMs, repeats = 0 } = answer;
  return {
    id: newId(),
    payment_id: paymentId,
    sequence,
    type,
    reason,
    repeats,
    created_at: now,
    due_at: afterMs === null ? 'infinity' : new Date(now.getTime() + afterMs),
  };
}

/** Tells everything again that has happened to a payment; what is still to come, comes in its time. */
export async function tellAgain(knex: Knex, { reference }: PaymentQuery, now: Date): Promise<void> {
  await knex('payment_provider.events')
    .whereIn('payment_id', knex('payment_provider.payments').select('id').where({ reference }))
    .whereRaw(`(delivered_at is not null or due_at <= ? or due_at = 'infinity')`, [now])
    .update({ delivered_at: null, attempts: 0, due_at: now });
}
