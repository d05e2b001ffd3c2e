import { isOverdue, ruleSession } from '../domain/sessions.js';
import { parkedAt } from './parked.js';
import { PassMarket } from './pass-market.js';
import type { PassRules } from './pass-prices.js';
import { reachOf } from './pass-books.js';
import { Replacements } from './replacements.js';
import type { SettlementRecord } from './settlement-record.js';
import { VenueWork } from './venue-work.js';
import type { PassReads } from './waiting-work.js';
import { isOpen, isUntriggered, type WorkingOrder, type WorkItem } from './working-order.js';

/** Work that failed this often is given up, so that it does not hold up what comes after it. */
export const MAX_WORK_ATTEMPTS = 5;

/**
 * Works through a sequence of orders, cancellations and replacements in memory. Reads what it needs
 * under the shards' locks and writes nothing: an attempt that is rolled back starts from a new one.
 */
export class Settlement {
  readonly market: PassMarket;
  private readonly replacements: Replacements;
  private readonly venueWork: VenueWork;

  constructor(
    private readonly rules: PassRules,
    private readonly reads: PassReads,
  ) {
    this.market = new PassMarket(rules, reads);
    this.replacements = new Replacements(this.market);
    this.venueWork = new VenueWork(this.market);
  }

  /** What came of it. */
  get record(): SettlementRecord {
    return this.market.record;
  }

  /** Does all the work, in its sequence. */
  async run(work: readonly WorkItem[]): Promise<void> {
    for (const item of work) item.order = this.market.adopt(item.order);
    await this.prepare(work);
    for (const item of work) {
      this.market.startItem(item.seq);
      await this.step(item);
      await this.market.settleConsequences();
    }
  }

  /** Reads at once what most of the work needs; whatever else comes up is read on demand. */
  private async prepare(work: readonly WorkItem[]): Promise<void> {
    const { groups, books, stops, prices, routes } = this.market;
    const arriving = work.filter(({ kind }) => kind !== 'cancel' && kind !== 'expire');
    const trading = [...new Set(arriving.map(({ order }) => order.assetId))];
    const reaches = arriving
      .filter(
        ({ kind, order }) =>
          kind !== 'venue' && !isUntriggered(order) && !this.rules.blocks.isEverything,
      )
      .map(({ order }) => reachOf(order, order.limitPrice ?? order.boundPrice));
    const atVenue = work
      .filter(({ kind, order }) => kind === 'venue' || order.routeId !== null)
      .map(({ order }) => order.id);
    await Promise.all([
      prices.read(this.reads, [...new Set(work.map(({ order }) => order.assetId))]),
      groups.read(work.map(({ order }) => order)),
      books.preload(reaches),
      stops.preload(trading),
      this.replacements.prepare(work, this.reads),
      routes.read(this.reads, atVenue),
    ]);
  }

  private async step(item: WorkItem): Promise<void> {
    const { order, kind } = item;
    if (item.attempts >= MAX_WORK_ATTEMPTS) return this.giveUp(item);
    switch (kind) {
      case 'place':
        return this.arrive(order, true);
      case 'release':
        return isOpen(order) ? this.arrive(order, false) : undefined;
      case 'cancel':
        return this.cancel(order, item.cause);
      case 'expire':
        return this.expire(order);
      case 'replace':
        return this.replacements.replace(item);
      case 'venue':
        return this.venueWork.apply(order);
      default:
        throw new Error(`unknown work ${String(kind satisfies never)}`);
    }
  }

  /** An order comes to the market, or back to it when its session begins. */
  private async arrive(order: WorkingOrder, mayWait: boolean): Promise<void> {
    const { market } = this;
    const refused = market.prices.refusal(order);
    if (refused) return market.finish(order, 'rejected', refused);
    const ruling = mayWait
      ? ruleSession(order, market.prices.times(order))
      : { kind: 'trade' as const };
    switch (ruling.kind) {
      case 'wait':
        return market.record.park(parkedAt(order, market.nextSeq(), ruling.until));
      case 'expired':
        return market.finish(order, 'expired', null);
      case 'closed':
        return market.finish(order, 'canceled', 'market_closed');
      case 'trade':
    }
    market.open(order);
    const pair = order.orderClass === 'oco' && market.groups.other(order, 'stop_loss');
    if (pair) market.openLeg(pair);
    if (isUntriggered(order)) market.arm(order);
    else await market.enter(order);
  }

  private cancel(order: WorkingOrder, cause: string | null): void {
    if (isOpen(order)) return this.market.end(order, 'canceled', cause ?? 'requested');
    if (order.status === 'canceled') return; // with its group or by a switch: as was asked for
    if (cause !== null) return; // not asked for by its client, who need not know
    const reason = `order is ${order.status}`;
    this.market.record.event(order, 'order_cancel_rejected', { reason });
  }

  private expire(order: WorkingOrder): void {
    if (isOpen(order) && isOverdue(order, this.market.prices.times(order)))
      this.market.end(order, 'expired', null);
  }

  private giveUp(item: WorkItem): void {
    if (item.kind === 'replace') this.replacements.reject(item, 'internal_error');
    else if (item.kind === 'venue') this.market.routes.giveUp(item.order);
    else if (isOpen(item.order)) this.market.end(item.order, 'rejected', 'internal_error');
  }
}
