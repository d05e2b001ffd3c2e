import type { Knex } from 'knex';

/**
 * The other side of manual adjustments (`ADJUSTMENTS_ACCOUNT` in `src/ledger/house.ts`): what the
 * house has corrected so far is the sum of its postings. Like the world outside it keeps no balance,
 * and may go below zero.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    insert into accounts (id, account_number, kind)
    values ('00000000-0000-7000-8000-000000000009', 'ADJUSTMENTS', 'external')
    on conflict do nothing;
  `);
}

/** The row stays: postings may name it. It goes with its table, and `up` finds it again. */
export const down = (): Promise<void> => Promise.resolve();
