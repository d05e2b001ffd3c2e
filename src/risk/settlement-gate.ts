import type { Knex } from 'knex';
import type { Logger } from '../log.js';
import { ADVISORY_LOCKS } from '../advisory-locks.js';

/**
 * An advisory lock. Every settling transaction takes it shared before it reads `trading_blocks`;
 * whoever holds it exclusively for a moment knows that all that had not seen a new row are over.
 */
export const SETTLEMENT_GATE = ADVISORY_LOCKS.settlementGate;

const WAIT_MAX = '1s';

/**
 * Waits until every settlement that was under way has ended: none that commits from now on has missed
 * what was committed before the call. After a second it gives up and says so in the log: the block
 * acts all the same, only later settlements than this moment could still have missed it.
 */
export async function outwaitSettlements(knex: Knex, log: Logger): Promise<void> {
  try {
    await knex.transaction(async (trx) => {
      await trx.raw(`set local lock_timeout = '${WAIT_MAX}'`);
      await trx.raw('select pg_advisory_xact_lock(?)', [SETTLEMENT_GATE]);
    });
  } catch (error) {
    log.warn('a trading block did not wait for the settlements under way', { error });
  }
}
