import type { Knex } from 'knex';
import { parseDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import { newId } from '../ids.js';
import { planOrder, type PlannedReport, type VenueBehaviour } from './behaviour.js';
import type { VenueMessage, VenueOrder } from './messages.js';

/**
 * Does what a customer asks for. An order that is not known yet is taken on first, whatever the message
 * is: it may be the first to arrive. A route that is known is the order that there is: nothing is traded twice.
 * @throws RangeError for amounts that are no decimals
 */
export async function handleMessage(
  knex: Knex,
  behaviour: VenueBehaviour,
  { kind, order }: VenueMessage,
  clock: () => Date,
): Promise<void> {
  await takeOrder(knex, behaviour, order, clock());
  if (kind === 'cancel') await cancelOrder(knex, order.route, clock);
  if (kind === 'query') await tellAgain(knex, order.route, clock());
}

async function takeOrder(
  knex: Knex,
  behaviour: VenueBehaviour,
  order: VenueOrder,
  now: Date,
): Promise<void> {
  const { route, symbol, side } = order;
  const [qty, limitPrice] = [
    parseDecimal(order.qty, QTY_SCALE),
    parseDecimal(order.limit_price, PRICE_SCALE),
  ];
  const referencePrice = parseDecimal(order.reference_price, PRICE_SCALE);
  const goodUntil = new Date(order.good_until);
  await knex.transaction(async (trx) => {
    const taken = await trx('external_venue.orders')
      .insert({
        route,
        symbol,
        side,
        qty,
        limit_price: limitPrice,
        good_until: goodUntil,
        created_at: now,
      })
      .onConflict('route')
      .ignore()
      .returning<{ route: string }[]>('route');
    if (taken.length === 0) return;
    const goodForMs = goodUntil.getTime() - now.getTime();
    const terms = { route, side, qty, limitPrice, referencePrice, goodForMs };
    const planned = planOrder(terms, behaviour);
    await trx('external_venue.reports').insert(
      planned.map((report, index) => rowOf(route, index + 1, report, now)),
    );
  });
}

function rowOf(route: string, sequence: number, report: PlannedReport, now: Date) {
  const { type, price, qty, totalQty, reason, happensAfter, toldAfter, repeats } = report;
  return {
    id: newId(),
    route,
    sequence,
    type,
    execution_id: type === 'fill' ? newId() : null,
    price,
    qty,
    total_qty: totalQty,
    reason,
    repeats,
    happens_at: new Date(now.getTime() + happensAfter),
    due_at: toldAfter === null ? 'infinity' : new Date(now.getTime() + toldAfter),
  };
}

/**
 * What has not happened yet does not happen any more; what has, stands. By the time at which all of the
 * order's reports are locked: none that is told meanwhile is taken for one that did not happen.
 */
async function cancelOrder(knex: Knex, route: string, clock: () => Date): Promise<void> {
  await knex.transaction(async (trx) => {
    await trx('external_venue.reports')
      .where({ route })
      .orderBy('sequence')
      .forUpdate()
      .select('id');
    const now = clock();
    const canceled = await trx('external_venue.orders')
      .where({ route, canceled_at: null })
      .update({ canceled_at: now })
      .returning<{ route: string }[]>('route');
    if (canceled.length === 0) return;
    const dropped = await trx('external_venue.reports')
      .where({ route })
      .where('happens_at', '>', now)
      .delete();
    if (dropped === 0) return; // it has ended before
    const last = await trx('external_venue.reports')
      .where({ route })
      .first<{ sequence: number | null; traded: string | null }>(
        trx.raw('max(sequence) as sequence, sum(qty)::text as traded'),
      );
    const totalQty = BigInt(last.traded ?? 0);
    const report = { type: 'done', price: null, qty: null, totalQty, reason: 'canceled' } as const;
    const now0 = { happensAfter: 0, toldAfter: 0, repeats: 0 };
    const row = rowOf(route, (last.sequence ?? 0) + 1, { ...report, ...now0 }, now);
    await trx('external_venue.reports').insert(row);
  });
}

/** Tells everything again that has happened; what is still to come, comes in its time. */
async function tellAgain(knex: Knex, route: string, now: Date): Promise<void> {
  await knex('external_venue.reports')
    .where({ route })
    .where('happens_at', '<=', now)
    .update({ told_at: null, due_at: now });
}
