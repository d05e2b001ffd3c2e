import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table watchlists (
      id uuid primary key,
      account_id uuid not null references accounts,
      name text not null check (length(name) between 1 and 64),
      created_at timestamptz not null,
      updated_at timestamptz not null,
      unique (account_id, name)
    );

    create table watchlist_assets (
      watchlist_id uuid not null references watchlists on delete cascade,
      asset_id uuid not null references assets,
      position integer not null,
      primary key (watchlist_id, asset_id)
    );
    comment on column watchlist_assets.position is 'ascending; with gaps where one was removed';

    grant select, insert, update (name, updated_at), delete on watchlists to brokerx_app;
    grant select, insert, delete on watchlist_assets to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table watchlist_assets, watchlists');
}
