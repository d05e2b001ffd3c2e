import type { Knex } from 'knex';
import type { Logger } from '../log.js';
import { ledgerProvedAt } from '../metrics.js';
import { proveLedger } from './proof.js';

/**
 * The proof that runs all the time. Logs every result: whoever looks for the last one finds how long
 * it took and how much it covered, and an error names the assets that are off. The metric of its time
 * is only kept here, so that a client who asks for proofs does not hide that the schedule stands still.
 * @throws what the database says; the job has failed then, and the metric of mismatches is unknown
 */
export async function runScheduledProof(knex: Knex, log: Logger): Promise<void> {
  const startedAt = performance.now();
  const { balanced, asOf, total, assets } = await proveLedger(knex);
  ledgerProvedAt.set(asOf.getTime() / 1_000);
  const result = {
    as_of: asOf.toISOString(),
    duration_ms: Math.round(performance.now() - startedAt),
    postings: total.postings,
    assets: total.assets,
    balances: total.balances,
  };
  if (balanced) {
    log.info('the ledger balances', result);
    return;
  }
  const off = assets.filter(
    ({ difference, mismatchedBalances }) => difference !== '0' || mismatchedBalances > 0,
  );
  log.error('the ledger does not balance', {
    ...result,
    unbalanced_assets: total.unbalancedAssets,
    mismatched_balances: total.mismatchedBalances,
    off: off.slice(0, OFF_SHOWN_MAX),
  });
}

const OFF_SHOWN_MAX = 20;
