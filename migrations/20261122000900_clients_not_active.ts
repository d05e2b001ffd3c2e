import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Read three times a second by every API process, to refuse a suspended client within one.
    create index clients_not_active on clients (updated_at) where status <> 'active';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index clients_not_active');
}
