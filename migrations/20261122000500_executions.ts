import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- One trade. Two orders can meet only once (one of them is used up by it), so the pair is the
    -- settlement key: a second settlement of the same work fails here, whatever else went wrong.
    create table executions (
      id uuid primary key,
      taker_order_id uuid not null,
      maker_order_id uuid not null,
      asset_id uuid not null,
      taker_side text not null check (taker_side in ('buy', 'sell')),
      price bigint not null check (price > 0),
      qty bigint not null check (qty > 0),
      value bigint not null check (value >= 0),
      taker_fee bigint not null check (taker_fee >= 0),
      maker_fee bigint not null check (maker_fee >= 0),
      executed_at timestamptz not null,
      unique (taker_order_id, maker_order_id)
    );
    select references_by_statement('executions', 'taker_order_id', 'orders');
    select references_by_statement('executions', 'maker_order_id', 'orders');
    select references_by_statement('executions', 'asset_id', 'assets');
    select protect_append_only('executions');
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table executions;
    drop function executions_taker_order_id_reference(), executions_maker_order_id_reference(),
      executions_asset_id_reference();
  `);
}
