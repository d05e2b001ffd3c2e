import { isOverdue, ruleSession } from '../domain/sessions.js';
import { parkedAt, parkedLeg } from './parked.js';
import type { PassMarket } from './pass-market.js';
import type { PassReads } from './waiting-work.js';
import {
  isOpen,
  isUntriggered,
  restOf,
  type WorkingOrder,
  type WorkItem,
} from './working-order.js';

/** Where an open order waits: in the book (`waitsFor` is null) or parked. */
export interface OrderPlace {
  orderId: string;
  seq: bigint;
  waitsFor: 'trigger' | 'entry' | 'session' | 'venue' | null;
  releaseAt: Date | null;
}

/**
 * Puts one order in the place of another. The old one's fills stand; the new one is for the rest. What
 * came first in the sequence wins: a replacement that comes after the last fill is rejected.
 */
export class Replacements {
  private readonly places = new Map<string, OrderPlace>();

  constructor(private readonly market: PassMarket) {}

  /** Reads the successors, and where those wait that they replace. */
  async prepare(work: readonly WorkItem[], reads: PassReads): Promise<void> {
    const replacing = work.filter(({ newOrderId }) => newOrderId !== null);
    if (replacing.length === 0) return;
    const [successors, places] = await Promise.all([
      reads.orders(replacing.map(({ newOrderId }) => newOrderId!)),
      reads.places(replacing.map(({ order }) => order.id)),
    ]);
    for (const order of successors) this.market.adopt(order);
    for (const place of places) this.places.set(place.orderId, place);
  }

  async replace(item: WorkItem): Promise<void> {
    const [old, successor] = [item.order, this.successorOf(item)];
    const refused = this.refusal(item, old, successor);
    if (refused) return this.reject(item, refused);
    const place = this.placeOf(old);
    const rest = restOf(old);
    const { status } = old;
    this.market.withdraw(old);
    this.transfer(old, successor);
    const { limitPrice, hwm } = old;
    await this.settleIn(successor, { place, status, rest, limitPrice, hwm });
  }

  /** The replaced order is as it was; what the successor held is free again. */
  reject(item: WorkItem, reason: string): void {
    const { record } = this.market;
    const successor = this.successorOf(item);
    successor.status = 'rejected';
    successor.reason = reason;
    record.setHold(successor, 0n);
    record.event(successor, 'rejected', { reason });
    record.event(item.order, 'order_replace_rejected', { reason });
  }

  private successorOf({ newOrderId }: WorkItem): WorkingOrder {
    return this.market.order(newOrderId!);
  }

  private refusal(item: WorkItem, old: WorkingOrder, successor: WorkingOrder): string | null {
    if (!isOpen(old)) return `order is ${old.status}`;
    if (old.routeId !== null) return 'order is at the external venue';
    if (item.ifVersion !== null && item.ifVersion !== old.version) return 'version_conflict';
    const times = this.market.prices.times(old);
    if (isOverdue(old, times) || isOverdue(successor, times)) return 'session_over';
    // A leg's quantity is not its client's to change: fills of the other leg may have lowered it.
    const rest = old.groupId === null ? item.totalQty! - old.filledQty : restOf(old);
    if (rest <= 0n) return 'order has filled the new quantity already';
    successor.qty = rest;
    successor.triggeredAt = old.triggeredAt;
    this.market.record.reshape(successor);
    if (this.neededHold(old, successor) > old.hold + successor.hold) return 'insufficient_hold';
    if (this.isDearerThanHeld(old, successor)) return 'insufficient_hold';
    return this.market.prices.refusal(successor);
  }

  /**
   * An order that holds nothing (the second of a pair) is replaced by such a one; a seller's leg that
   * waits for its entry by one that holds what the entry has brought so far.
   */
  private neededHold(old: WorkingOrder, successor: WorkingOrder): bigint {
    if (old.hold === 0n || (old.status === 'held' && old.side === 'sell')) return old.hold;
    return this.market.neededHold(successor);
  }

  /** The first of a pair that buys holds for both, at the dearer price of the two. */
  private isDearerThanHeld(old: WorkingOrder, { side, boundPrice }: WorkingOrder): boolean {
    if (side !== 'buy' || old.hold > 0n) return false;
    const holder = this.market.groups.other(old, 'take_profit');
    return holder !== undefined && boundPrice > holder.boundPrice;
  }

  private transfer(old: WorkingOrder, successor: WorkingOrder): void {
    const { record, groups } = this.market;
    record.setHold(successor, this.neededHold(old, successor));
    record.setHold(old, 0n);
    old.status = 'replaced';
    old.replacedBy = successor.id;
    record.reshape(old);
    record.event(old, 'replaced');
    groups.add(successor);
  }

  private async settleIn(
    successor: WorkingOrder,
    old: Pick<WorkingOrder, 'status' | 'limitPrice' | 'hwm'> & { place: OrderPlace; rest: bigint },
  ): Promise<void> {
    const { market } = this;
    const { place } = old;
    if (old.status === 'accepted') {
      return market.record.park(parkedAt(successor, place.seq, place.releaseAt!));
    }
    if (old.status === 'held') {
      successor.status = 'held';
      return market.record.park(parkedLeg(successor, place.seq));
    }
    const ruling = ruleSession(successor, market.prices.times(successor));
    const isStop = isUntriggered(successor);
    const keepsPlace = successor.limitPrice === old.limitPrice && restOf(successor) <= old.rest;
    if (ruling.kind === 'wait' && !isStop && !keepsPlace) {
      return market.record.park(parkedAt(successor, market.nextSeq(), ruling.until));
    }
    market.open(successor);
    if (isStop) market.arm(successor, { hwm: old.hwm, mayTrade: ruling.kind === 'trade' });
    else if (keepsPlace) this.rest(successor, place.seq);
    else await market.enter(successor);
  }

  /** Price and side as before, and no more than before: it keeps its turn. */
  private rest(order: WorkingOrder, seq: bigint): void {
    const stranded = this.market.prices.strandedBy(order);
    if (stranded) return this.market.finish(order, 'canceled', stranded);
    const { id: orderId, accountId, side, limitPrice } = order;
    const resting = {
      orderId,
      accountId,
      side,
      price: limitPrice!,
      seq,
      remaining: restOf(order),
    };
    this.market.books.of(order.assetId).add(resting);
    this.market.record.rest(resting);
  }

  /** As this pass left it, else as it was read. */
  private placeOf(order: WorkingOrder): OrderPlace {
    const { record } = this.market;
    const orderId = order.id;
    const resting = record.bookInserted.get(orderId);
    if (resting) return { ...IN_BOOK, orderId, seq: resting.seq };
    const place = record.parkedInserted.get(orderId) ?? this.places.get(orderId);
    if (!place && order.status === 'accepted') {
      // Released already, but its replacement comes first: that one is released instead.
      return { orderId, seq: this.market.nextSeq(), ...RELEASED, releaseAt: this.market.rules.now };
    }
    if (!place) throw new Error(`order ${orderId} is open and waits nowhere`);
    const { seq, waitsFor, releaseAt } = place;
    return { orderId, seq, waitsFor, releaseAt };
  }
}

const RELEASED = { waitsFor: 'session' } as const;
const IN_BOOK = { waitsFor: null, releaseAt: null } as const;
