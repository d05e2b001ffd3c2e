/**
 * The external venue's API: what a customer puts into its queue, and what it puts into the customer's.
 * Every message carries the whole order, which never changes, so it may come late, as often as it likes,
 * and also without those before it. Who the order is for is nothing that the venue learns.
 */

export const VENUE_ORDERS_QUEUE = 'venue-orders';
export const VENUE_REPORTS_QUEUE = 'venue-reports';

/** The same route is the same order. Decimals are text, such as `"150.25"`. */
export interface VenueOrder {
  /** How the customer calls it. */
  readonly route: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly qty: string;
  /** The worst price, in dollars. */
  readonly limit_price: string;
  /** What the asset is worth just now, in dollars: the simulated venue has no market of its own. */
  readonly reference_price: string;
  /** RFC 3339 in UTC: then it is over. */
  readonly good_until: string;
}

/** Trade it; or stop trading it; or tell again what has become of it. */
export interface VenueMessage {
  readonly kind: 'order' | 'cancel' | 'query';
  readonly order: VenueOrder;
}

/** What has happened to an order. */
export interface VenueReport {
  readonly id: string;
  readonly route: string;
  /** Its place among the order's reports: 1, 2, ... without a gap. */
  readonly sequence: number;
  /** `rejected` and `done` are the last. */
  readonly type: 'fill' | 'rejected' | 'done';
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  /** Of a fill: what the venue calls it. */
  readonly execution_id: string | null;
  readonly price: string | null;
  readonly qty: string | null;
  /** When it is done: what was traded in all. */
  readonly total_qty: string | null;
  readonly reason: string | null;
}
