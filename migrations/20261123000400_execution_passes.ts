import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- One row a settling transaction: who worked on an order, and when. Orders name the first and
    -- the last pass that changed them.
    create table execution_passes (
      id uuid primary key,
      worker text not null,
      attempt integer not null check (attempt > 0),
      jobs text[] not null,
      items integer not null,
      picked_up_at timestamptz not null,
      matched_at timestamptz not null,
      settled_at timestamptz not null
    );
    create index execution_passes_age on execution_passes using brin (settled_at);
    grant select, insert, delete on execution_passes to brokerx_app;

    -- Finds the notifications that a pass has written, by their common time.
    create index notifications_created on notifications using brin (created_at)
      with (pages_per_range = 8);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index notifications_created; drop table execution_passes');
}
