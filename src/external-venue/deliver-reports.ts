import type { Queue } from 'bullmq';
import type { Knex } from 'knex';
import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { VenueReport } from './messages.js';

export interface DeliverReportsDeps {
  readonly knex: Knex;
  /** The customer's. */
  readonly reports: Pick<Queue<VenueReport>, 'addBulk'>;
}

interface DueReport {
  id: string;
  route: string;
  sequence: number;
  type: VenueReport['type'];
  symbol: string;
  side: 'buy' | 'sell';
  executionId: string | null;
  price: bigint | null;
  qty: bigint | null;
  totalQty: bigint | null;
  reason: string | null;
}

const FIND_DUE = `
  select r.id, r.route, r.sequence, r.type, o.symbol, o.side, r.execution_id as "executionId",
    r.price, r.qty, r.total_qty as "totalQty", r.reason
  from external_venue.reports r join external_venue.orders o on o.route = r.route
  where r.told_at is null and r.due_at <= :now
  order by r.due_at, r.sequence limit :limit for update of r skip locked`;

const NOTE_TOLD = `
  update external_venue.reports set repeats = greatest(repeats - 1, 0),
    told_at = case when repeats = 0 then :now::timestamptz end
  where id = any(:ids::uuid[])`;

/**
 * Puts the reports that are due into the customer's queue. They are noted as told after that: who dies in
 * between tells them again. Locked meanwhile, so that several processes share them.
 * @returns how many were told; 0 when nothing is due
 * @throws Error when Redis is away: they stay due
 */
export const deliverReports = (
  { knex, reports }: DeliverReportsDeps,
  limit: number,
  now: Date,
): Promise<number> =>
  knex.transaction(async (trx) => {
    const { rows } = await trx.raw<{ rows: DueReport[] }>(FIND_DUE, { now, limit });
    if (rows.length === 0) return 0;
    await reports.addBulk(rows.map((row) => ({ name: 'report', data: presentReport(row) })));
    await trx.raw(NOTE_TOLD, { now, ids: rows.map(({ id }) => id) } as never);
    return rows.length;
  });

const presentReport = (row: DueReport): VenueReport => ({
  id: row.id,
  route: row.route,
  sequence: row.sequence,
  type: row.type,
  symbol: row.symbol,
  side: row.side,
  execution_id: row.executionId,
  price: decimal(row.price, PRICE_SCALE),
  qty: decimal(row.qty, QTY_SCALE),
  total_qty: decimal(row.totalQty, QTY_SCALE),
  reason: row.reason,
});

const decimal = (units: bigint | null, scale: number): string | null =>
  units === null ? null : formatDecimal(units, scale);
