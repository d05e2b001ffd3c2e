import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- What an account was worth, from taken_at until its next row: a minute without a change has
    -- none. Old rows are thinned out (src/portfolio/snapshots.ts).
    create table equity_snapshots (
      account_id uuid not null,
      taken_at timestamptz not null,
      equity bigint not null,
      primary key (account_id, taken_at)
    );
    comment on column equity_snapshots.equity is 'cash and positions at their last price, in 10^-4 USD';
    -- Rows come in by time: enough to find the old ones, and next to nothing to keep.
    create index equity_snapshots_age on equity_snapshots using brin (taken_at)
      with (pages_per_range = 16);
    select references_by_statement('equity_snapshots', 'account_id', 'accounts');
    grant select, insert, delete on equity_snapshots to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table equity_snapshots;
    drop function equity_snapshots_account_id_reference();
  `);
}
