import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The close that previous_close is of; null before the first one that was seen.
    alter table market_prices add column closed_at timestamptz;
    grant update (closed_at) on market_prices to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table market_prices drop column closed_at');
}
