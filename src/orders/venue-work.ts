import { isOverdue, ruleSession } from '../domain/sessions.js';
import { parkedAt } from './parked.js';
import type { PassMarket } from './pass-market.js';
import type { Route, VenueFill } from './pass-routes.js';
import { isOpen, type WorkingOrder } from './working-order.js';

/**
 * Does what the external venue, or staff instead of it, have said about an order: books its fills, and
 * takes the rest back once the venue is done with it.
 */
export class VenueWork {
  constructor(private readonly market: PassMarket) {}

  async apply(order: WorkingOrder): Promise<void> {
    for (const route of this.market.routes.ofOrder(order.id)) await this.advance(order, route);
  }

  private async advance(order: WorkingOrder, route: Route): Promise<void> {
    const { routes, record } = this.market;
    for (const fill of routes.advance(route)) await this.book(order, fill);
    if (route.closeReason !== null && route.status === 'open') {
      routes.end(route, 'closed', route.closeReason);
    }
    if (order.routeId !== route.id) return; // it had come back before, or is filled
    if (isOpen(order) && route.status === 'open') return;
    order.routeId = null;
    record.reshape(order);
    record.unpark(order.id);
    if (isOpen(order)) await this.goOn(order, route);
  }

  /** A trade at the venue moves the price and reaches stops as any other. */
  private async book(order: WorkingOrder, fill: VenueFill): Promise<void> {
    const { market } = this;
    const trade = market.record.venueTrade(order, fill);
    market.fill(order, trade, trade.takerFee);
    await market.reachStops(order.assetId, fill.price);
  }

  /** What is left of it ends, or comes to the book as any limit that just arrives. */
  private async goOn(order: WorkingOrder, { endsAs, endsReason }: Route): Promise<void> {
    const { market } = this;
    const times = market.prices.times(order);
    if (endsAs !== null) return market.finish(order, endsAs, endsReason);
    if (isOverdue(order, times)) return market.finish(order, 'expired', null);
    if (order.limitPrice === null) return market.finish(order, 'canceled', 'no_liquidity');
    if (order.timeInForce === 'ioc') return market.finish(order, 'canceled', 'ioc_rest');
    const refused = market.prices.refusal(order);
    if (refused) return market.finish(order, 'canceled', refused);
    const ruling = ruleSession(order, times);
    if (ruling.kind !== 'wait') return market.enter(order, undefined, true);
    order.status = 'accepted'; // the answer came after the close
    market.record.event(order, 'pending_new');
    market.record.park(parkedAt(order, market.nextSeq(), ruling.until));
  }
}
