import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Where the unfilled rest of a marketable order goes: nowhere else, or to the external venue.
    alter table assets add column routing text not null default 'internal'
      check (routing in ('internal', 'venue'));
    grant update (routing) on assets to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table assets drop column routing');
}
