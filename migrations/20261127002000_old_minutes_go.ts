import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Bars of minutes are deleted when they are old (MARKET_MINUTES_KEPT_DAYS). Those of hours and days
    -- stay, and so do the trades, from which minutes can be added up again.
    grant delete on market_bars to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('revoke delete on market_bars from brokerx_app');
}
