import type { MatchResult } from './match.js';
import type { Side } from './order-book.js';

/** Where the rest of a marketable order goes: nowhere else, or to the external venue. */
export const ROUTINGS = ['internal', 'venue'] as const;
export type Routing = (typeof ROUTINGS)[number];

/** An order that has met the book, as far as routing asks. */
export interface RoutableOrder {
  readonly side: Side;
  readonly orderClass: string;
  readonly timeInForce: string;
  /** The worst price it may trade at, in 10^-4 USD. */
  readonly bound: bigint;
  /** The asset's price, in 10^-4 USD. */
  readonly price: bigint;
}

/**
 * Whether the rest of an order goes to the external venue: of a market order or an ioc limit that found
 * too little, and of a day or gtc limit that is marketable: it traded, or its price is through the
 * asset's. Orders that belong together (one would have to wait for the other's answer), that trade
 * whole or not at all, or at the open or the close only, stay here; so does what met an own order.
 */
export function goesToVenue(
  { side, orderClass, timeInForce, bound, price }: RoutableOrder,
  { outcome, reason, fills }: Pick<MatchResult, 'outcome' | 'reason' | 'fills'>,
): boolean {
  if (orderClass !== '') return false;
  if (timeInForce === 'fok' || timeInForce === 'opg' || timeInForce === 'cls') return false;
  switch (outcome) {
    case 'filled':
      return false;
    case 'canceled':
      return reason === 'no_liquidity' || reason === 'ioc_rest';
    case 'resting':
      return fills.length > 0 || (side === 'buy' ? bound > price : bound < price);
  }
}
