import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- What the market maker wants to hold of an asset: its inventory is what it holds beyond that.
    -- Set once, to what it held when it first came to quote the asset.
    create table maker_inventory (
      asset_id uuid primary key references assets,
      target_qty bigint not null check (target_qty >= 0)
    );
    comment on column maker_inventory.target_qty is 'in 10^-9 units';

    grant select, insert on maker_inventory to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table maker_inventory');
}
