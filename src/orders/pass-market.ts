import { matchOrder, type Fill } from '../domain/match.js';
import { holdFor } from '../domain/money.js';
import { directionOf, isReached } from '../domain/triggers.js';
import { ArmedStops } from './armed-stops.js';
import { OrderGroups } from './order-groups.js';
import { parkedAtVenue, parkedStop } from './parked.js';
import { incomingOf, PassBooks, reachOf, type BookEntry } from './pass-books.js';
import { PassPrices, type PassRules } from './pass-prices.js';
import { PassRoutes } from './pass-routes.js';
import { SettlementRecord, type TradeRow } from './settlement-record.js';
import { armedStop, type PassReads } from './waiting-work.js';
import {
  isClosed,
  isOpen,
  isParked,
  isUntriggered,
  restOf,
  type WorkingOrder,
} from './working-order.js';

export type EndStatus = 'canceled' | 'expired' | 'rejected';

/** What follows from somebody else's work: a leg whose entry is filled, a stop that was reached. */
type Consequence =
  | { kind: 'activated'; order: WorkingOrder }
  | { kind: 'reached'; order: WorkingOrder; price: bigint };

interface ArmOptions {
  /** The best price that a trailing stop has seen; null for the last price. */
  hwm?: bigint | null;
  /** False while the market is closed. */
  mayTrade?: boolean;
}

/**
 * Room for what follows from one work item: places in time are `item << 20 + n`, after everything of
 * earlier items and before everything of later ones.
 */
const SEQ_BITS = 20n;

/**
 * The market as a pass has it in memory: books, armed stops, groups, and what happens to an order in
 * them. The record tells what came of it.
 */
export class PassMarket {
  readonly record: SettlementRecord;
  readonly stops: ArmedStops;
  readonly groups: OrderGroups;
  readonly books: PassBooks;
  readonly prices: PassPrices;
  readonly routes: PassRoutes;
  private readonly orders = new Map<string, WorkingOrder>();
  private readonly consequences: Consequence[] = [];
  private seq = 0n;

  constructor(
    readonly rules: PassRules,
    reads: PassReads,
  ) {
    this.record = new SettlementRecord(rules.tellsAcceptance);
    this.prices = new PassPrices(rules, this.record);
    this.routes = new PassRoutes(rules, this.prices);
    this.groups = new OrderGroups(
      (ids) => reads.groups(ids),
      (order) => this.adopt(order),
    );
    this.books = new PassBooks(
      async (wanted) => {
        const [entries] = await Promise.all([reads.books(wanted), this.prices.readiness()]);
        for (const entry of entries) entry.order = this.adopt(entry.order);
        await this.groups.read(entries.map(({ order }) => order));
        return entries;
      },
      (entry) => this.admitMaker(entry),
    );
    this.stops = new ArmedStops(
      async (wanted, limit) => {
        const entries = await reads.stops(wanted, limit);
        for (const { stop } of entries) stop.order = this.adopt(stop.order);
        await this.groups.read(entries.map(({ stop }) => stop.order));
        return entries;
      },
      ({ order }) => order.status === 'new' && isUntriggered(order),
    );
  }

  /** One object an order, or two changes would be written over. */
  adopt(order: WorkingOrder): WorkingOrder {
    const known = this.orders.get(order.id);
    if (known) return known;
    this.orders.set(order.id, order);
    return order;
  }

  /** @throws Error when the pass has nothing to do with the order */
  order(id: string): WorkingOrder {
    const order = this.orders.get(id);
    if (!order) throw new Error(`order ${id} is not part of this pass`);
    return order;
  }

  /** What happens from now on has its place in time with this work item. */
  startItem(seq: bigint): void {
    this.seq = seq << SEQ_BITS;
  }

  nextSeq(): bigint {
    return this.seq++;
  }

  open(order: WorkingOrder): void {
    order.status = order.filledQty > 0n ? 'partially_filled' : 'new';
    this.record.event(order, 'new');
  }

  /**
   * Matches an order that waits nowhere yet against the book; what is left of it goes to the external
   * venue, rests or ends.
   * @param bound the worst price it may trade at, but for the asset's band; by default its limit or its collar
   * @param isBack from the venue: it has a quantity by now, and does not go there again
   */
  async enter(
    order: WorkingOrder,
    bound = this.prices.ownBoundOf(order),
    isBack = false,
  ): Promise<void> {
    const terms = isBack ? { ...order, notional: null } : order;
    const loading = this.books.ensure(reachOf(terms, bound), order.accountId);
    if (loading) await loading;
    const book = this.books.of(order.assetId);
    const budget = this.prices.budget(terms);
    const bounds = { own: bound, band: this.prices.assetBandOf(order) };
    const result = matchOrder(book, incomingOf(terms, bounds, this.nextSeq(), budget));
    if (budget) this.setQty(order, result.fills, result.remaining);
    const route = isBack
      ? null
      : this.routes.forRest(order, result, this.prices.withinBand(order, bound));
    if (result.outcome === 'resting') {
      if (route) book.remove(order.id);
      else this.record.rest(book.find(order.id)!);
    }
    for (const fill of result.fills) this.trade(order, fill);
    if (result.reason === 'price_band') this.record.stopAtBand(order);
    if (route) {
      this.routes.open(order, route);
      this.record.reshape(order);
      this.record.park(parkedAtVenue(order, this.nextSeq()));
    } else if (result.outcome === 'canceled') this.finish(order, 'canceled', result.reason);
    for (const { price } of result.fills) await this.reachStops(order.assetId, price);
  }

  /** What a trade at a price means for the asset's armed stops. */
  async reachStops(assetId: string, price: bigint): Promise<void> {
    for (const { order, hwm } of await this.stops.onTrade(assetId, price)) {
      this.reach(order, hwm, price);
    }
  }

  /** Only now it is known what quantity the notional is. */
  private setQty(order: WorkingOrder, fills: readonly Fill[], remaining: bigint): void {
    const qty = fills.reduce((sum, fill) => sum + fill.qty, remaining);
    if (qty > 0n) order.qty = qty;
    if (fills.length === 0 && remaining > 0n) {
      this.record.setHold(order, this.neededHold(order)); // each fill sets it as well
    }
    this.record.reshape(order);
  }

  private trade(taker: WorkingOrder, fill: Fill): void {
    const maker = this.order(fill.maker.orderId);
    const trade = this.record.trade(taker, maker, fill);
    this.fill(maker, trade, trade.makerFee);
    this.fill(taker, trade, trade.takerFee);
  }

  /** One side of a trade: its order's progress, and what it holds from now on. */
  fill(order: WorkingOrder, trade: TradeRow, fee: bigint): void {
    this.record.fill(order, trade, fee);
    this.record.setHold(order, this.neededHold(order));
    if (order.groupId !== null) this.carryToGroup(order, trade.qty);
  }

  /** What a fill means for the other orders of the group. */
  private carryToGroup(order: WorkingOrder, qty: bigint): void {
    const isFilled = order.status === 'filled';
    if (order.leg === 'entry') {
      const legs = this.groups.others(order);
      const holder = legs.find(({ leg }) => leg === 'take_profit') ?? legs[0];
      // What the entry brings is theirs from now on, or another order could sell it meanwhile.
      if (holder?.side === 'sell') this.record.setHold(holder, holder.hold + qty);
      if (!isFilled) return;
      for (const leg of legs) this.consequences.push({ kind: 'activated', order: leg });
    }
    const stopLoss = order.leg === 'take_profit' && this.groups.other(order, 'stop_loss');
    if (!stopLoss) return;
    if (isFilled) this.close(stopLoss, 'canceled', 'group');
    else {
      stopLoss.qty = stopLoss.filledQty + restOf(order);
      stopLoss.version += 1;
      this.record.reshape(stopLoss);
    }
  }

  /** Legs and stops whose turn has come, in the order in which it came, until none is left. */
  async settleConsequences(): Promise<void> {
    for (let next = this.consequences.shift(); next; next = this.consequences.shift()) {
      if (!isOpen(next.order)) continue; // ended meanwhile, by its group
      if (next.kind === 'reached') await this.trigger(next.order, next.price);
      else await this.activate(next.order);
    }
  }

  /** A stop waits for its price; one whose price is there already is reached at once, if it may. */
  arm(order: WorkingOrder, { hwm = null, mayTrade = true }: ArmOptions = {}): void {
    const price = this.prices.priceOf(order.assetId);
    const mark = order.type === 'trailing_stop' ? (hwm ?? price) : null;
    const stop = armedStop(order, this.nextSeq(), mark);
    if (mayTrade && isReached(directionOf(order.side), stop.stop, price))
      this.reach(order, mark, price);
    else {
      this.stops.arm(stop);
      this.record.park(parkedStop(stop));
    }
  }

  private reach(order: WorkingOrder, hwm: bigint | null, price: bigint): void {
    order.triggeredAt = this.rules.now;
    order.hwm = hwm;
    order.version += 1;
    this.record.reshape(order);
    this.record.unpark(order.id);
    this.consequences.push({ kind: 'reached', order, price });
  }

  /** A stop that was reached becomes a market or a limit order, and takes the hold of its pair. */
  private async trigger(order: WorkingOrder, price: bigint): Promise<void> {
    const refused = this.prices.refusal(order);
    if (refused) return this.finish(order, 'canceled', refused);
    const takeProfit = order.leg === 'stop_loss' && this.groups.other(order, 'take_profit');
    if (takeProfit) {
      this.close(takeProfit, 'canceled', 'group');
      this.record.setHold(order, this.neededHold(order));
    }
    await this.enter(order, order.limitPrice ?? this.prices.stopBound(order, price));
  }

  /** The entry is filled: a leg comes to the market. */
  private async activate(leg: WorkingOrder): Promise<void> {
    const blocked = this.rules.blocks.of(leg.accountId, leg.assetId);
    if (blocked) return this.end(leg, 'canceled', blocked);
    const isStop = isUntriggered(leg); // one that is reached at once comes to the market as such
    this.openLeg(leg);
    if (!isStop) await this.enter(leg);
  }

  /** Of a pair that sells, the take-profit holds the shares for both; a buyer's hold is there already. */
  openLeg(leg: WorkingOrder): void {
    this.record.unpark(leg.id);
    this.open(leg);
    const isSecond = leg.leg === 'stop_loss' && this.groups.other(leg, 'take_profit') !== undefined;
    if (leg.side === 'sell' && !isSecond) this.record.setHold(leg, restOf(leg));
    if (isUntriggered(leg)) this.arm(leg);
  }

  /**
   * Ends an order wherever it waits, and with it the other orders of its group. One at the external
   * venue is asked back, and ends when that has said what it traded.
   */
  end(order: WorkingOrder, status: EndStatus, reason: string | null): void {
    if (order.routeId !== null) return this.routes.recall(order, status, reason);
    this.withdraw(order);
    this.finish(order, status, reason);
  }

  /** Ends an order that waits nowhere, and with it the other orders of its group. */
  finish(order: WorkingOrder, status: EndStatus, reason: string | null): void {
    const others = this.groups.others(order);
    this.conclude(order, status, reason);
    for (const other of others) {
      this.close(other, status === 'expired' ? status : 'canceled', 'group');
    }
  }

  private close(order: WorkingOrder, status: EndStatus, reason: string | null): void {
    this.withdraw(order);
    this.conclude(order, status, reason);
  }

  private conclude(order: WorkingOrder, status: EndStatus, reason: string | null): void {
    order.status = status;
    order.reason = reason;
    this.record.setHold(order, 0n);
    this.record.event(order, status, { reason });
  }

  /** Takes an order out of the book, or from what it waits for. */
  withdraw(order: WorkingOrder): void {
    if (!isParked(order)) {
      this.books.of(order.assetId).remove(order.id);
      this.record.takeFromBook(order.id);
      return;
    }
    const hwm = this.stops.disarm(order);
    if (hwm !== null) {
      order.hwm = hwm;
      this.record.reshape(order);
    }
    this.record.unpark(order.id);
  }

  /** What the open rest needs: nothing, to the last unit, once it is closed. */
  neededHold(order: WorkingOrder): bigint {
    if (isClosed(order.status)) return 0n;
    const rest = restOf(order);
    return order.side === 'buy' ? holdFor(order.boundPrice, rest, order.feeBps) : rest;
  }

  /** What has ended is not in the book any more; what is blocked, or beyond the price band, ends here. */
  private admitMaker({ order }: BookEntry): boolean {
    if (!isOpen(order)) return false;
    const blocked = this.rules.blocks.killed(order.accountId) ?? this.prices.strandedBy(order);
    if (blocked) this.end(order, 'canceled', blocked);
    return !blocked;
  }
}
