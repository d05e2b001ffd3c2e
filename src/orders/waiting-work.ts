import type { Tx } from '../db.js';
import type { RestingOrder } from '../domain/order-book.js';
import { directionOf, trailingStop, triggerRank } from '../domain/triggers.js';
import type { Routing } from '../domain/venue-routing.js';
import type { ArmedStop, Lane, StopEntry, WantedStops } from './armed-stops.js';
import * as sql from './execute-statements.js';
import type { BookEntry, WantedBook } from './pass-books.js';
import type { Route, StoredReport } from './pass-routes.js';
import type { OrderPlace } from './replacements.js';
import type { BlockRow } from './trading-blocks.js';
import type { WorkingOrder, WorkItem } from './working-order.js';

/** An asset as a pass needs it. Prices in 10^-4 USD, quantities in 10^-9 units. */
export interface PassAsset {
  id: string;
  symbol: string;
  class: 'us_equity' | 'crypto';
  isTradable: boolean;
  /** Where the unfilled rest of a marketable order goes. */
  routing: Routing;
  priceIncrement: bigint;
  minTradeIncrement: bigint;
  /** The last trade or, before the first one, the reference price. */
  price: bigint;
  /** Its price band; null for one without. */
  lower: bigint | null;
  upper: bigint | null;
}

interface BookRow extends WorkingOrder {
  rank: bigint;
  seq: bigint;
  remaining: bigint;
}

interface StopRow extends WorkingOrder {
  lane: Lane;
  key: bigint;
  seq: bigint;
  parkedHwm: bigint | null;
}

const BEFORE_ALL = { rank: -(2n ** 63n), seq: -1n };

/**
 * Waits for a kill switch that is being thrown, then reads what must not trade: once its endpoint has
 * answered, no pass is left that has not seen it.
 */
export async function readBlocks(tx: Tx): Promise<BlockRow[]> {
  const [, rows] = await Promise.all([
    tx.run(sql.JOIN_PASSES, []),
    tx.run<BlockRow>(sql.BLOCKS, []),
  ]);
  return rows;
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
      rows.map(
        ({
          seq,
          kind,
          waitingSince,
          attempts,
          cause,
          newOrderId,
          totalQty,
          ifVersion,
          ...order
        }) => ({
          seq,
          shard: order.shard,
          kind,
          waitingSince,
          attempts,
          cause,
          newOrderId,
          totalQty,
          ifVersion,
          order,
        }),
      ),
    );

/** What a pass reads while its shards are locked: nobody else changes it meanwhile. */
export class PassReads {
  constructor(private readonly tx: Tx) {}

  async assets(ids: readonly string[]): Promise<Map<string, PassAsset>> {
    const rows = await this.tx.run<PassAsset>(sql.PASS_ASSETS, [ids]);
    return new Map(rows.map((asset) => [asset.id, asset]));
  }

  async orders(ids: readonly string[]): Promise<WorkingOrder[]> {
    return ids.length === 0 ? [] : this.tx.run<WorkingOrder>(sql.LOAD_ORDERS, [ids]);
  }

  /** The open orders of groups. */
  async groups(ids: readonly string[]): Promise<WorkingOrder[]> {
    return ids.length === 0 ? [] : this.tx.run<WorkingOrder>(sql.LOAD_GROUPS, [ids]);
  }

  /** Where open orders wait. */
  async places(ids: readonly string[]): Promise<OrderPlace[]> {
    return this.tx.run<OrderPlace>(sql.ORDER_PLACES, [ids]);
  }

  /** What was given to the external venue of orders. */
  async routes(orderIds: readonly string[]): Promise<Route[]> {
    return this.tx.run<Route>(sql.LOAD_ROUTES, [orderIds]);
  }

  /** What the venue has said of them and has not taken effect. */
  async reports(orderIds: readonly string[]): Promise<StoredReport[]> {
    return this.tx.run<StoredReport>(sql.LOAD_REPORTS, [orderIds]);
  }

  async books(wanted: readonly WantedBook[]): Promise<BookEntry[]> {
    const rows = await this.tx.run<BookRow>(sql.LOAD_BOOKS, [
      wanted.map(({ assetId }) => assetId),
      wanted.map(({ side }) => side),
      wanted.map(({ after }) => (after ?? BEFORE_ALL).rank),
      wanted.map(({ after }) => (after ?? BEFORE_ALL).seq),
      wanted.map(({ worstRank }) => worstRank),
      wanted.map(({ qty }) => qty),
      wanted.map(({ value }) => value),
    ]);
    return rows.map(({ rank, seq, remaining, ...order }) => ({
      order,
      resting: restingOf(order, rank, seq, remaining),
    }));
  }

  async stops(wanted: readonly WantedStops[], limit: number): Promise<StopEntry[]> {
    const rows = await this.tx.run<StopRow>(sql.NEXT_STOPS, [
      wanted.map(({ assetId }) => assetId),
      wanted.map(({ direction }) => direction),
      wanted.map(({ after }) => after.rank.key),
      wanted.map(({ after }) => after.rank.seq),
      wanted.map(({ after }) => after.trail_price.key),
      wanted.map(({ after }) => after.trail_price.seq),
      wanted.map(({ after }) => after.trail_percent.key),
      wanted.map(({ after }) => after.trail_percent.seq),
      limit,
    ]);
    return rows.map(({ lane, key, seq, parkedHwm, ...order }) => ({
      lane,
      key,
      stop: armedStop(order, seq, parkedHwm),
    }));
  }
}

const restingOf = (
  { id, accountId, side }: WorkingOrder,
  rank: bigint,
  seq: bigint,
  remaining: bigint,
): RestingOrder => ({
  orderId: id,
  accountId,
  side,
  price: side === 'sell' ? rank : -rank,
  seq,
  remaining,
});

/** @param hwm the best price so far, for a trailing stop */
export const armedStop = (order: WorkingOrder, seq: bigint, hwm: bigint | null): ArmedStop => ({
  order,
  seq,
  hwm,
  stop: order.stopPrice ?? trailingStop(order.side, hwm!, order),
});

/** Where an armed stop stands among those of its direction. */
export const stopRank = ({ order, stop }: ArmedStop): bigint =>
  triggerRank(directionOf(order.side), stop);
