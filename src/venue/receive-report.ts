import type { Knex } from 'knex';
import { recordAct, systemActor } from '../audit/record.js';
import type { Logger } from '../log.js';
import { reportsReceived, venueContradictions } from './metrics.js';
import { reportSchema, type ReceivedReport } from './report-schema.js';

export interface ReceiveReportDeps {
  readonly knex: Knex;
  readonly log: Logger;
  /** Told which shards have new work. Must neither wait nor throw. */
  readonly nudge: (shards: readonly number[]) => void;
}

interface RouteRow {
  orderId: string;
  accountId: string;
  shard: number;
  appliedSequence: number;
}

type Outcome = 'kept' | 'repeated' | 'contradiction' | 'unknown_route';

const BY = systemActor('external-venue');

/**
 * Takes in what the external venue says: kept once, by its id, its place and its execution, and put
 * into the sequence of its order's shard, whose next pass lets it take effect in its turn. Safe to
 * call with the same report any number of times, also at once.
 * @param message from outside: what is no report is counted, logged and dropped
 */
export async function receiveReport(deps: ReceiveReportDeps, message: unknown): Promise<void> {
  const { knex, log, nudge } = deps;
  const result = reportSchema.validate(message);
  if (result.error) {
    reportsReceived.inc({ outcome: 'malformed' });
    log.error('the external venue sent what is no report', { reason: result.error.message });
    return;
  }
  const report = result.value;
  const { outcome, shard } = await knex.transaction((trx) => take(trx, report));
  reportsReceived.inc({ outcome });
  if (shard !== null) nudge([shard]);
  if (outcome === 'kept' || outcome === 'repeated') return;
  if (outcome === 'contradiction') venueContradictions.inc({ fault: 'another_report' });
  log.error('a report of the external venue is not believed', { outcome, report_id: report.id });
}

async function take(
  trx: Knex.Transaction,
  report: ReceivedReport,
): Promise<{ outcome: Outcome; shard: number | null }> {
  const route = await trx('venue_routes').where({ id: report.route }).first<RouteRow | undefined>({
    orderId: 'order_id',
    accountId: 'account_id',
    shard: 'shard',
    appliedSequence: 'applied_sequence',
  });
  if (!route) return { outcome: 'unknown_route', shard: null };
  const outcome = await keep(trx, report);
  if (outcome === 'contradiction') {
    await dispute(trx, route, report);
    return { outcome, shard: null };
  }
  // One item a report, and one more for a repeated one that is still to take effect: whatever became of
  // the first, this one does not depend on it.
  if (report.sequence <= route.appliedSequence) return { outcome, shard: null };
  await trx('work_items').insert({
    shard: route.shard,
    kind: 'venue',
    order_id: route.orderId,
    account_id: route.accountId,
    created_at: new Date(),
  });
  return { outcome, shard: route.shard };
}

async function keep(
  trx: Knex.Transaction,
  report: ReceivedReport,
): Promise<Exclude<Outcome, 'unknown_route'>> {
  const row = rowOf(report);
  const inserted = await trx('venue_reports')
    .insert({ ...row, received_at: new Date() })
    .onConflict()
    .ignore()
    .returning<{ id: string }[]>('id');
  if (inserted.length > 0) return 'kept';
  const same = await trx('venue_reports').where(row).first<{ id: string } | undefined>('id');
  return same ? 'repeated' : 'contradiction';
}

const rowOf = ({ route, ...report }: ReceivedReport) => ({ ...report, route_id: route });

/** Another report in the place, with the id or with the execution of one that we have. */
async function dispute(
  trx: Knex.Transaction,
  { orderId, accountId }: RouteRow,
  report: ReceivedReport,
): Promise<void> {
  await trx('venue_routes').where({ id: report.route }).update({ disputed: true });
  await recordAct(trx, BY, {
    action: 'venue.contradiction',
    subject: { account_id: accountId, order_id: orderId, route_id: report.route },
    after: Object.fromEntries(
      Object.entries(report).map(([name, value]) => [
        name,
        typeof value === 'bigint' ? String(value) : value,
      ]),
    ),
  });
}
