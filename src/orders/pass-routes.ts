import type { MatchResult } from '../domain/match.js';
import { eventsInTurn } from '../domain/transfer-state.js';
import {
  judgeReport,
  type ReportFault,
  type RouteReport,
  type RouteStatus,
} from '../domain/venue-route.js';
import { goesToVenue } from '../domain/venue-routing.js';
import { newId } from '../ids.js';
import { MAKER_ACCOUNT } from '../ledger/house.js';
import type { EndStatus } from './pass-market.js';
import type { PassPrices, PassRules } from './pass-prices.js';
import type { PassReads } from './waiting-work.js';
import { restOf, type WorkingOrder } from './working-order.js';

/** The rest of an order at the external venue, as a pass has it. Prices in 10^-4 USD. */
export interface Route {
  id: string;
  orderId: string;
  accountId: string;
  assetId: string;
  symbol: string;
  shard: number;
  side: 'buy' | 'sell';
  /** In 10^-9 units. */
  qty: bigint;
  limitPrice: bigint;
  /** Our price when it was routed. */
  referencePrice: bigint;
  goodUntil: Date;
  status: RouteStatus;
  reason: string | null;
  filledQty: bigint;
  /** The last of the venue's reports that took effect. */
  appliedSequence: number;
  /** How the order ends once the venue is done with it; null: as its type has it. */
  endsAs: EndStatus | null;
  endsReason: string | null;
  /** Why staff want to give it up. */
  closeReason: string | null;
  disputed: boolean;
}

/** One of the venue's reports, in its place. */
export interface StoredReport extends RouteReport {
  readonly routeId: string;
  readonly sequence: number;
  readonly executionId: string | null;
  readonly reason: string | null;
}

export interface VenueFill {
  readonly executionId: string;
  readonly price: bigint;
  readonly qty: bigint;
}

/** A report that was not booked, for the log. */
export interface Contradiction {
  readonly routeId: string;
  readonly sequence: number;
  readonly fault: ReportFault;
}

/** What a route is made of, beside its order. */
export type RouteLimits = Pick<Route, 'symbol' | 'limitPrice' | 'referencePrice' | 'goodUntil'>;

/** The routes of a pass: those that it makes, and those that its work is about. */
export class PassRoutes {
  readonly opened = new Set<Route>();
  readonly changed = new Set<Route>();
  readonly ended = new Set<Route>();
  readonly contradictions: Contradiction[] = [];
  private readonly routes = new Map<string, Route>();
  private readonly reports = new Map<string, StoredReport[]>();

  constructor(
    private readonly rules: Pick<PassRules, 'now' | 'venueGoodForMs'>,
    private readonly prices: PassPrices,
  ) {}

  /** Reads the routes of some orders, with what the venue has said and has not taken effect. */
  async read(reads: PassReads, orderIds: readonly string[]): Promise<void> {
    if (orderIds.length === 0) return;
    const [routes, reports] = await Promise.all([reads.routes(orderIds), reads.reports(orderIds)]);
    for (const route of routes) this.routes.set(route.id, route);
    for (const report of reports) {
      const waiting = this.reports.get(report.routeId);
      if (waiting) waiting.push(report);
      else this.reports.set(report.routeId, [report]);
    }
  }

  /** All routes of an order that the pass has read or made, the oldest first. */
  ofOrder(orderId: string): Route[] {
    return [...this.routes.values()].filter((route) => route.orderId === orderId);
  }

  /**
   * Whether the rest of an order that has just met the book goes to the venue. The house's quotes
   * stay: they are what the book is made of.
   * @param bound the worst price it may trade at
   * @returns what it is sent with; null when it stays here
   */
  forRest(order: WorkingOrder, result: MatchResult, bound: bigint): RouteLimits | null {
    const { symbol, routing } = this.prices.asset(order.assetId);
    if (routing === 'internal' || order.accountId === MAKER_ACCOUNT) return null;
    const price = this.prices.priceOf(order.assetId);
    if (!goesToVenue({ ...order, bound, price }, result)) return null;
    return { symbol, limitPrice: bound, referencePrice: price, goodUntil: this.goodUntil(order) };
  }

  /** Not beyond the session: an order of the day would be over then. */
  private goodUntil(order: WorkingOrder): Date {
    const until = this.rules.now.getTime() + this.rules.venueGoodForMs;
    return new Date(Math.min(until, this.prices.times(order).nextClose.getTime()));
  }

  /** Gives the rest of an order to the venue. */
  open(order: WorkingOrder, limits: RouteLimits): void {
    const { id: orderId, accountId, assetId, shard, side } = order;
    const route: Route = {
      id: newId(),
      orderId,
      accountId,
      assetId,
      shard,
      side,
      qty: restOf(order),
      ...limits,
      status: 'open',
      reason: null,
      filledQty: 0n,
      appliedSequence: 0,
      endsAs: null,
      endsReason: null,
      closeReason: null,
      disputed: false,
    };
    order.routeId = route.id;
    this.routes.set(route.id, route);
    this.opened.add(route);
  }

  /** Those of which the venue has to hear: that they are there, or are wanted back. */
  toTell(): string[] {
    const recalled = [...this.changed].filter(({ status, endsAs }) => status === 'open' && endsAs);
    return [...new Set([...this.opened, ...recalled])].map(({ id }) => id);
  }

  /** Asks for the rest back: the order ends so once the venue is done. The first wish counts. */
  recall({ routeId }: WorkingOrder, endsAs: EndStatus, endsReason: string | null): void {
    const route = this.routes.get(routeId!);
    if (!route) throw new Error(`route ${routeId} was not read`);
    if (route.endsAs !== null) return;
    route.endsAs = endsAs;
    route.endsReason = endsReason;
    this.changed.add(route);
  }

  /**
   * Lets the venue's reports take effect whose turn it is.
   * @returns what is to be booked, in that order
   */
  advance(route: Route): VenueFill[] {
    const fills: VenueFill[] = [];
    for (const report of eventsInTurn(route.appliedSequence, this.reports.get(route.id) ?? [])) {
      const { isBooked, ends, fault } = judgeReport(route, report);
      const { sequence, executionId, price, qty, reason } = report;
      if (isBooked) {
        fills.push({ executionId: executionId!, price: price!, qty: qty! });
        route.filledQty += qty!;
      }
      if (ends) this.end(route, ends, reason);
      if (fault) this.dispute(route, { routeId: route.id, sequence, fault });
      route.appliedSequence = sequence;
      this.changed.add(route);
    }
    this.reports.delete(route.id);
    return fills;
  }

  end(route: Route, status: Exclude<RouteStatus, 'open'>, reason: string | null): void {
    route.status = status;
    route.reason = reason;
    this.ended.add(route);
    this.changed.add(route);
  }

  /** Its work could not be done: staff must look, and may give it up. */
  giveUp(order: WorkingOrder): void {
    for (const route of this.ofOrder(order.id)) {
      route.disputed = true;
      this.changed.add(route);
    }
  }

  private dispute(route: Route, contradiction: Contradiction): void {
    route.disputed = true;
    this.contradictions.push(contradiction);
  }
}
