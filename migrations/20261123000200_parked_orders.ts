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
    create index parked_orders_hwm on parked_orders (asset_id, direction, hwm)
      where waits_for = 'trigger' and hwm is not null;
    create index parked_orders_release on parked_orders (release_at) where waits_for = 'session';
    select references_by_statement('parked_orders', 'order_id', 'orders');
    grant select, insert, update, delete on parked_orders to brokerx_app;

    -- The next resting orders that an incoming quantity can reach: in priority order after a key, up
    -- to a worst rank, until their sum covers it. What is to be spent counts as the quantity that it
    -- buys at the best price. A cursor loop, because it stops early: the cost depends on what
    -- trades, never on how deep the book is.
    drop function reachable_book_orders(uuid, text, bigint, numeric);
    create function reachable_book_orders(asset uuid, book_side text, after_rank bigint,
      after_seq bigint, worst_rank bigint, wanted_qty numeric, wanted_value numeric)
    returns setof book_orders language plpgsql stable as $$
    declare
      resting book_orders;
      covered numeric := 0;
      wanted numeric := null;
    begin
      for resting in
        select * from book_orders
        where asset_id = asset and side = book_side and (rank, seq) > (after_rank, after_seq)
          and rank <= worst_rank
        order by rank, seq
      loop
        wanted := coalesce(wanted, wanted_qty + wanted_value * 1000000000 / abs(resting.rank));
        return next resting;
        covered := covered + resting.remaining;
        exit when covered >= wanted;
      end loop;
    end $$;

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
      add column total_qty bigint check (total_qty > 0),
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
      drop column total_qty,
      add constraint work_items_kind_check check (kind in ('place', 'cancel')) not valid;
    create index book_orders_account on book_orders (account_id);
    drop index book_orders_own;
    drop function reachable_book_orders(uuid, text, bigint, bigint, bigint, numeric, numeric);
    create function reachable_book_orders(asset uuid, book_side text, worst_rank bigint, wanted numeric)
    returns setof book_orders language plpgsql stable as $$
    declare
      resting book_orders;
      covered numeric := 0;
    begin
      for resting in
        select * from book_orders
        where asset_id = asset and side = book_side and rank <= worst_rank
        order by rank, seq
      loop
        return next resting;
        covered := covered + resting.remaining;
        exit when covered >= wanted;
      end loop;
    end $$;
    drop table parked_orders;
    drop function parked_orders_order_id_reference();
  `);
}
