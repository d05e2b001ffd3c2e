import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import { formatDecimal, QTY_SCALE } from '../../src/domain/money.js';
import type { VenueReport } from '../../src/external-venue/messages.js';
import { receiveReport } from '../../src/venue/receive-report.js';
import type { Trading } from './trading.js';

/** A row of venue_routes, as the tests look at it. */
export interface RouteRow {
  id: string;
  status: string;
  side: 'buy' | 'sell';
  reason: string | null;
  qty: bigint;
  filled_qty: bigint;
  limit_price: bigint;
  applied_sequence: number;
  ends_as: string | null;
  disputed: boolean;
}

/** What the venue has traded, beside what we have booked: both sides, as only the owner sees them. */
export const DIFFERENT_TRADES = `
  select coalesce(r.execution_id, e.venue_execution_id) as id, r.qty as theirs, e.qty as ours
  from (select r.*, o.side, o.symbol from external_venue.reports r
    join external_venue.orders o on o.route = r.route where r.type = 'fill') r
  full join (select e.*, a.symbol from executions e join assets a on a.id = e.asset_id
    where e.venue_execution_id is not null) e on e.venue_execution_id = r.execution_id
  where e.id is null or r.id is null or e.qty <> r.qty or e.price <> r.price
    or e.taker_side <> r.side or e.symbol <> r.symbol`;

/** Sends rests of these assets to the external venue from now on. */
export const routeToVenue = async (trading: Trading, ...symbols: string[]): Promise<void> => {
  await trading.container.db.knex('assets').whereIn('symbol', symbols).update({ routing: 'venue' });
};

/** What was given to the venue of an order, the latest; fails when nothing was. */
export async function routeOf(trading: Trading, { id }: { id: string }): Promise<RouteRow> {
  const row = await trading.container.db
    .knex('venue_routes')
    .where({ order_id: id })
    .orderBy('id', 'desc')
    .first<RouteRow | undefined>();
  if (!row) expect.fail(`order ${id} was not routed`);
  return row;
}

/** The venue's side of one route, played by a test. */
export class VenueSide {
  private sequence = 0;
  private traded = 0n;

  constructor(
    private readonly route: RouteRow,
    private readonly terms: { symbol: string; side: 'buy' | 'sell' },
  ) {}

  /** A trade. @param price in dollars, @param qty in units */
  fill(price: string, qty: string, more: Partial<VenueReport> = {}): VenueReport {
    this.traded += BigInt(Math.round(Number(qty) * 1e9));
    return this.report({ type: 'fill', execution_id: uuidv7(), price, qty, ...more });
  }

  done(more: Partial<VenueReport> = {}): VenueReport {
    const total_qty = formatDecimal(this.traded, QTY_SCALE);
    return this.report({ type: 'done', total_qty, ...more });
  }

  rejected(): VenueReport {
    return this.report({ type: 'rejected', reason: 'not_accepted' });
  }

  private report(more: Partial<VenueReport>): VenueReport {
    this.sequence += 1;
    return {
      id: uuidv7(),
      route: this.route.id,
      sequence: this.sequence,
      type: 'done',
      ...this.terms,
      execution_id: null,
      price: null,
      qty: null,
      total_qty: null,
      reason: null,
      ...more,
    };
  }
}

/** The venue says these things, in this order; then everything that waits is executed. */
export async function say(trading: Trading, ...reports: unknown[]): Promise<void> {
  for (const report of reports) await receive(trading, report);
  await trading.settle();
}

export const receive = (trading: Trading, report: unknown): Promise<void> => {
  const { db, log } = trading.container;
  return receiveReport({ knex: db.knex, log, nudge: () => undefined }, report);
};
