import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The number of a trade. It is drawn while the shard is locked, so the numbers of one asset become
    -- visible in their order: whoever has read up to one of them has missed none before it.
    alter table executions add column seq bigint generated always as identity;
    create unique index executions_of_asset on executions (asset_id, seq);

    -- What the trades of a span of time come to. Minutes, hours and days are kept, all other spans are
    -- added up from them. Bars that were made up for the demo have no trade numbers.
    create table market_bars (
      asset_id uuid not null,
      timeframe text not null check (timeframe in ('1Min', '1Hour', '1Day')),
      starts_at timestamptz not null,
      open bigint not null check (open > 0),
      high bigint not null check (high >= open and high >= close),
      low bigint not null check (low > 0 and low <= open and low <= close),
      close bigint not null check (close > 0),
      volume bigint not null check (volume > 0),
      value bigint not null check (value >= 0),
      trades integer not null check (trades > 0),
      first_seq bigint,
      last_seq bigint check (last_seq >= first_seq),
      check ((first_seq is null) = (last_seq is null)),
      primary key (asset_id, timeframe, starts_at)
    ) with (fillfactor = 70);
    select references_by_statement('market_bars', 'asset_id', 'assets');
    comment on column market_bars.open is 'prices in 10^-4 USD';
    comment on column market_bars.volume is 'in 10^-9 units; value in 10^-4 USD';

    -- Up to which trade of an asset the bars have been added up; moves in their transaction.
    create table market_tape (
      asset_id uuid primary key references assets,
      last_seq bigint not null
    ) with (fillfactor = 50);

    grant select, insert, update on market_bars, market_tape to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table market_tape, market_bars;
    drop function market_bars_asset_id_reference();
    drop index executions_of_asset;
    alter table executions drop column seq;
  `);
}
