import type { Tx } from '../db.js';
import type { RestingOrder } from '../domain/order-book.js';
import * as sql from './execute-statements.js';
import type { WorkingOrder, WorkItem } from './settlement.js';

interface BookRow extends WorkingOrder {
  rank: bigint;
  seq: bigint;
  remaining: bigint;
}

/** The waiting work of the shards, in sequence order. Their locks must be held. */
export const takeWork = (
  tx: Tx,
  shards: readonly number[],
  perShard: number,
): Promise<WorkItem[]> =>
  tx
    .run<Omit<WorkItem, 'order' | 'shard'> & WorkingOrder>(sql.TAKE_WORK, [shards, perShard])
    .then((rows) =>
      rows.map(({ seq, kind, waitingSince, ...order }) => ({
        seq,
        shard: order.shard,
        kind,
        waitingSince,
        order,
      })),
    );

/**
 * Reads what the work can reach in the books: on each side, from the best price to the worst bound
 * of the orders against it, until their quantities are covered. Cancellations in the same work may
 * take some of that away first, so what they would remove is asked for on top.
 */
export async function loadBooks(
  tx: Tx,
  work: readonly WorkItem[],
): Promise<{ order: WorkingOrder; resting: RestingOrder }[]> {
  const wanted = new Map<string, { assetId: string; side: string; worst: bigint; qty: bigint }>();
  for (const { kind, order } of work) {
    if (kind !== 'place') continue;
    const side = order.side === 'buy' ? 'sell' : 'buy';
    const rank = order.side === 'buy' ? order.boundPrice : -order.boundPrice;
    const reach = wanted.get(order.assetId + side);
    if (!reach) {
      wanted.set(order.assetId + side, {
        assetId: order.assetId,
        side,
        worst: rank,
        qty: order.qty,
      });
    } else {
      reach.qty += order.qty;
      if (rank > reach.worst) reach.worst = rank;
    }
  }
  if (wanted.size === 0) return [];
  for (const { kind, order } of work) {
    const reach = kind === 'cancel' && wanted.get(order.assetId + order.side);
    if (reach) reach.qty += order.qty - order.filledQty;
  }
  const reaches = [...wanted.values()];
  const rows = await tx.run<BookRow>(sql.LOAD_BOOKS, [
    reaches.map(({ assetId }) => assetId),
    reaches.map(({ side }) => side),
    reaches.map(({ worst }) => worst),
    reaches.map(({ qty }) => qty),
  ]);
  return rows.map(({ rank, seq, remaining, ...order }) => ({
    order,
    resting: {
      orderId: order.id,
      accountId: order.accountId,
      side: order.side,
      price: order.side === 'sell' ? rank : -rank,
      seq,
      remaining,
    },
  }));
}
