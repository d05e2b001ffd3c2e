import type { Knex } from 'knex';

/** The one setting of the wire contract that the table did not have yet. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table account_configurations
      add column disable_overnight_trading boolean not null default false;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table account_configurations drop column disable_overnight_trading');
}
