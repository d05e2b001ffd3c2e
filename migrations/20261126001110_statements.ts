import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The last price before each close: of a trade or, of an asset that was never traded, the
    -- reference price as it was last noted. Written once: what a day was valued at does not change.
    create table closing_prices (
      asset_id uuid not null,
      day date not null,
      closes_at timestamptz not null,
      price bigint not null check (price > 0),
      source text not null check (source in ('trade', 'reference')),
      primary key (asset_id, day)
    );
    comment on column closing_prices.price is 'in 10^-4 USD';
    select references_by_statement('closing_prices', 'asset_id', 'assets');
    select protect_append_only('closing_prices');

    -- One account at the end of one trading day: all that was booked before the close, and not at the
    -- close of the row before. Signed: what goes out is negative. Positions are parallel lists, one
    -- row an account and day, because nobody asks for one of them.
    create table statements (
      account_id uuid not null,
      day date not null,
      opens_at timestamptz,
      closes_at timestamptz not null check (closes_at > opens_at),
      opening_cash bigint not null,
      deposits bigint not null,
      withdrawals bigint not null,
      adjustments bigint not null,
      purchases bigint not null check (purchases <= 0),
      sales bigint not null check (sales >= 0),
      fees bigint not null check (fees <= 0),
      closing_cash bigint not null,
      position_value bigint not null,
      equity bigint not null,
      trades integer not null check (trades >= 0),
      asset_ids uuid[] not null,
      quantities bigint[] not null,
      cost_bases bigint[] not null,
      created_at timestamptz not null,
      primary key (account_id, day),
      check (closing_cash
        = opening_cash + deposits + withdrawals + adjustments + purchases + sales + fees),
      check (equity = closing_cash + position_value),
      check (cardinality(asset_ids) = cardinality(quantities)
        and cardinality(asset_ids) = cardinality(cost_bases))
    );
    comment on column statements.opens_at is
      'the close of the row before; null in the first, which has everything since the beginning';
    -- Rows come in by day: enough to find those of one, and next to nothing to keep.
    create index statements_day on statements using brin (day) with (pages_per_range = 16);
    select references_by_statement('statements', 'account_id', 'accounts');
    select protect_append_only('statements');

    -- Days of which every account has its statement.
    create table ends_of_day (
      day date primary key,
      closes_at timestamptz not null,
      accounts integer not null,
      cash numeric not null,
      position_value numeric not null,
      completed_at timestamptz not null
    );
    select protect_append_only('ends_of_day');
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table ends_of_day, statements, closing_prices;
    drop function statements_account_id_reference(), closing_prices_asset_id_reference();
  `);
}
