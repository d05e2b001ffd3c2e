import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- How far from its reference price an asset may trade; null: as far as the collars let it.
    alter table assets add column band_bps integer check (band_bps between 1 and 5000);
    comment on column assets.band_bps is 'in 1/100 of a percent; docs/market.md';
    grant update (band_bps) on assets to brokerx_app;

    -- The bands that are in force, and how hard the market presses against them. Whatever the job that
    -- moves them knows is here, so that any process may go on with it at any time.
    create table price_bands (
      asset_id uuid primary key references assets,
      reference bigint not null check (reference > 0),
      lower bigint not null check (lower > 0),
      upper bigint not null check (upper >= lower),
      moved_at timestamptz not null,
      counts_from timestamptz not null,
      after_close timestamptz,
      limit_edge text check (limit_edge in ('lower', 'upper')),
      limit_since timestamptz,
      halt_id uuid,
      halted_until timestamptz,
      check ((limit_edge is null) = (limit_since is null)),
      check ((halt_id is null) = (halted_until is null)),
      check (halt_id is null or limit_edge is not null)
    ) with (fillfactor = 50);
    comment on column price_bands.reference is 'prices in 10^-4 USD';
    comment on column price_bands.counts_from is 'earlier trades do not count for the next reference';
    comment on column price_bands.after_close is
      'the close after which this session''s reference was taken; null where nothing ever closes';
    comment on column price_bands.halt_id is 'the row of trading_blocks that is to be lifted again';

    -- That a pass has stopped orders at a band: written by the passes, taken away by the job. Rows of
    -- its own, so that no pass waits for the job nor for another pass.
    create table price_band_stops (
      id bigint generated always as identity primary key,
      asset_id uuid not null,
      edge text not null check (edge in ('lower', 'upper')),
      stopped_at timestamptz not null
    );
    create index price_band_stops_of_asset on price_band_stops (asset_id);
    select references_by_statement('price_band_stops', 'asset_id', 'assets');

    grant select, insert, update, delete on price_bands to brokerx_app;
    grant select, insert, delete on price_band_stops to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table price_band_stops, price_bands;
    drop function price_band_stops_asset_id_reference();
    alter table assets drop column band_bps;
  `);
}
