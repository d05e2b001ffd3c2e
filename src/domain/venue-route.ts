import type { Side } from './order-book.js';

/**
 * What becomes of an order's rest at the external venue. Only the venue's reports move it on, and they
 * take effect in the order of their sequence numbers: so the outcome does not depend on the order in
 * which they arrive, nor on how often. What contradicts us or the venue itself is never booked.
 */

export const ROUTE_STATUSES = [
  'open', // the venue has it, or may have it
  'done', // the venue has said how much it traded in all
  'rejected', // the venue did not take it
  'closed', // given up by staff
] as const;
export type RouteStatus = (typeof ROUTE_STATUSES)[number];

export const REPORT_TYPES = ['fill', 'rejected', 'done'] as const;
export type ReportType = (typeof REPORT_TYPES)[number];

/** What a report is judged by. Prices in 10^-4 USD, quantities in 10^-9 units. */
export interface RouteTerms {
  readonly status: RouteStatus;
  readonly symbol: string;
  readonly side: Side;
  readonly qty: bigint;
  /** The worst price it may trade at. */
  readonly limitPrice: bigint;
  readonly filledQty: bigint;
}

/** What the venue says. */
export interface RouteReport {
  readonly type: ReportType;
  readonly symbol: string;
  readonly side: string;
  /** Of a fill. */
  readonly price: bigint | null;
  readonly qty: bigint | null;
  /** When it is done: what has been traded in all. */
  readonly totalQty: bigint | null;
}

export type ReportFault =
  | 'after_the_end'
  | 'another_order'
  | 'worse_than_limit'
  | 'more_than_routed'
  | 'rejected_after_fill'
  | 'another_total';

/** What follows from a report. */
export interface ReportVerdict {
  readonly isBooked: boolean;
  /** The route's status from now on; null while it stays open, or has ended before. */
  readonly ends: 'done' | 'rejected' | null;
  /** Why it cannot be, after what is known; somebody has to look. */
  readonly fault: ReportFault | null;
}

const refused = (fault: ReportFault): ReportVerdict => ({ isBooked: false, ends: null, fault });

/**
 * Judges the next report of a route. A route ends also with a contradiction when the venue says that
 * nothing more comes: what it claims to have traded beyond our books is between the house and the venue.
 * @param report the next one in order
 */
export function judgeReport(route: RouteTerms, report: RouteReport): ReportVerdict {
  if (route.status !== 'open') return refused('after_the_end');
  if (report.symbol !== route.symbol || report.side !== route.side) return refused('another_order');
  switch (report.type) {
    case 'fill': {
      const fault = faultOfFill(route, report.price ?? 0n, report.qty ?? 0n);
      return fault ? refused(fault) : { isBooked: true, ends: null, fault: null };
    }
    case 'rejected': {
      const fault = route.filledQty > 0n ? 'rejected_after_fill' : null;
      return { isBooked: false, ends: 'rejected', fault };
    }
    case 'done': {
      const fault = report.totalQty === route.filledQty ? null : 'another_total';
      return { isBooked: false, ends: 'done', fault };
    }
  }
}

function faultOfFill(
  { side, qty: routed, limitPrice, filledQty }: RouteTerms,
  price: bigint,
  qty: bigint,
): ReportFault | null {
  const isWithinLimit = side === 'buy' ? price <= limitPrice : price >= limitPrice;
  if (price <= 0n || !isWithinLimit) return 'worse_than_limit';
  return qty <= 0n || filledQty + qty > routed ? 'more_than_routed' : null;
}
