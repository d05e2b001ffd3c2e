import type { Knex } from 'knex';

/** Events that are not about orders: their type is the name of what is told, and this is what. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table account_events add column data jsonb;
    comment on column account_events.data is 'of an event that is not about an order';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table account_events drop column data');
}
