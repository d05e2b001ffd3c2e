import type { Knex } from 'knex';

/**
 * The accounts that are not a client's, and the currency. Their ids are constants of the product
 * (`src/ledger/house.ts`): the fee account is named by every settlement with fees.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    insert into assets (id, symbol, name, class, exchange, tradable, fractionable)
    values ('00000000-0000-7000-8000-000000000840', 'USD', 'US dollar', 'currency', '', false, true)
    on conflict do nothing;

    insert into accounts (id, account_number, kind) values
      ('00000000-0000-7000-8000-000000000001', 'HOUSE-FEES', 'house'),
      ('00000000-0000-7000-8000-000000000002', 'HOUSE-MAKER', 'house'),
      ('00000000-0000-7000-8000-000000000003', 'EXTERNAL', 'external')
    on conflict do nothing;
  `);
}

/** The rows stay: postings may name them. They go with their tables, and `up` finds them again. */
export const down = (): Promise<void> => Promise.resolve();
