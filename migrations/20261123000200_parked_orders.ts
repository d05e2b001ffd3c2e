import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Open orders that are not in the book: stops that wait for their trigger, legs that wait for
    -- their entry, orders that wait for a session. rank makes one index serve both directions: the
    -- stop that triggers next has the lowest (the price itself when a rise triggers it, else its
    -- negative). A trailing stop's rank follows its hwm, the best price since it was armed.
    create table parked_orders (
      order_id uuid primary key,
      account_id uuid not null,
      asset_id uuid not null,
      shard integer not null,
      waits_for text not null check (waits_for in ('trigger', 'entry', 'session')),
      seq bigint not null,
      direction text check (direction in ('rise', 'fall')),
      rank bigint,
      hwm bigint check (hwm > 0),
      trail_price bigint,
      trail_percent integer,
      release_at timestamptz,
      check ((waits_for = 'trigger') = (direction is not null and rank is not null)),
      check ((waits_for = 'session') = (release_at is not null)),
      check (num_nonnulls(trail_price, trail_percent) <= 1)
    ) with (fillfactor = 70);
    create index parked_orders_account on parked_orders (account_id);
    create index parked_orders_trigger on parked_orders (asset_id, direction, rank, seq)
      where waits_for = 'trigger';
    create index parked_orders_trail_price on parked_orders (asset_id, direction, trail_price, seq)
      where waits_for = 'trigger' and trail_price is not null;
    create index parked_orders_trail_percent
      on parked_orders (asset_id, direction, trail_percent, seq)
      where waits_for = 'trigger' and trail_percent is not null;
    create index parked_orders_release on parked_orders (release_at) where waits_for = 'session';
    select references_by_statement('parked_orders', 'order_id', 'orders');
    grant select, insert, update, delete on parked_orders to brokerx_app;

    -- An account's own orders of one side of one book: for the refusal of wash trades.
    create index book_orders_own on book_orders (account_id, asset_id, side, rank);
    drop index book_orders_account;

    alter table work_items
      drop constraint work_items_kind_check,
      add constraint work_items_kind_check
        check (kind in ('place', 'cancel', 'replace', 'expire', 'release')),
      add column new_order_id uuid,
      add column if_version integer,
      add column reason text,
      add column attempts integer not null default 0,
      add check ((kind = 'replace') = (new_order_id is not null));
    create unique index work_items_one_replace on work_items (order_id) where kind = 'replace';
    create unique index work_items_one_expire on work_items (order_id) where kind = 'expire';
    create unique index work_items_one_release on work_items (order_id) where kind = 'release';
    select references_by_statement('work_items', 'new_order_id', 'orders');
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index work_items_one_replace, work_items_one_expire, work_items_one_release;
    drop trigger work_items_new_order_id_reference on work_items;
    drop function work_items_new_order_id_reference();
    alter table work_items
      drop constraint work_items_kind_check,
      drop column new_order_id, drop column if_version, drop column reason, drop column attempts,
      add constraint work_items_kind_check check (kind in ('place', 'cancel')) not valid;
    create index book_orders_account on book_orders (account_id);
    drop index book_orders_own;
    drop table parked_orders;
    drop function parked_orders_order_id_reference();
  `);
}
