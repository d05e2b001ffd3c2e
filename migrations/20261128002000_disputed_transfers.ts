import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create index transfers_disputed on transfers (id) where disputed;
    comment on column transfers.disputed is
      'the provider has contradicted itself, and staff have not settled it yet';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index transfers_disputed;
    comment on column transfers.disputed is 'the provider has contradicted itself: staff must look';
  `);
}
