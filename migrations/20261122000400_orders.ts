import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- What changes (status, filled_*, fees, hold, version, the times) is in no index, so that
    -- settlement's updates stay HOT. Which orders are open is told by the two narrow tables below.
    create table orders (
      id uuid primary key,
      account_id uuid not null,
      asset_id uuid not null,
      shard integer not null,
      client_order_id text not null check (length(client_order_id) between 1 and 128),
      side text not null check (side in ('buy', 'sell')),
      type text not null check (type in ('market', 'limit')),
      time_in_force text not null check (time_in_force in ('day', 'gtc', 'ioc', 'fok')),
      qty bigint not null check (qty > 0),
      limit_price bigint check (limit_price > 0),
      bound_price bigint not null check (bound_price > 0),
      fee_bps integer not null check (fee_bps between 0 and 1000),
      extended_hours boolean not null default false,
      status text not null default 'accepted' check (status in
        ('accepted', 'new', 'partially_filled', 'filled', 'canceled', 'expired', 'rejected')),
      filled_qty bigint not null default 0 check (filled_qty between 0 and qty),
      filled_value bigint not null default 0 check (filled_value >= 0),
      fees bigint not null default 0 check (fees >= 0),
      hold bigint not null check (hold >= 0),
      reason text,
      version integer not null default 1,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      closed_at timestamptz,
      unique (account_id, client_order_id),
      check ((type = 'limit') = (limit_price is not null)),
      check (status not in ('filled', 'canceled', 'expired', 'rejected') or hold = 0),
      check ((status = 'filled') = (filled_qty = qty)),
      check ((closed_at is null) = (status in ('accepted', 'new', 'partially_filled')))
    ) with (fillfactor = 70);
    create index orders_of_account on orders (account_id, created_at, id);
    comment on column orders.bound_price is
      'the worst price it may trade at, in 10^-4 USD: the limit, or a market order''s collar';
    comment on column orders.hold is
      'what it still holds: cash in 10^-4 USD when buying, quantity in 10^-9 when selling';

    -- Accepted and not yet worked: the queue's truth. BullMQ only says that there is something here.
    create table work_items (
      shard integer not null,
      id bigint generated always as identity,
      kind text not null check (kind in ('place', 'cancel')),
      order_id uuid not null,
      account_id uuid not null,
      created_at timestamptz not null,
      primary key (shard, id)
    );
    create index work_items_account on work_items (account_id);
    create unique index work_items_one_cancel on work_items (order_id) where kind = 'cancel';

    -- The resting orders. rank makes one index serve both sides: the best price has the lowest
    -- rank (the price itself when selling, its negative when buying).
    create table book_orders (
      order_id uuid primary key,
      asset_id uuid not null,
      shard integer not null,
      side text not null check (side in ('buy', 'sell')),
      rank bigint not null,
      seq bigint not null,
      account_id uuid not null,
      remaining bigint not null check (remaining > 0)
    ) with (fillfactor = 80);
    create unique index book_orders_priority on book_orders (asset_id, side, rank, seq);
    create index book_orders_account on book_orders (account_id);

    -- The best resting orders that an incoming quantity can reach: in priority order, up to a
    -- worst rank, until their sum covers it. A cursor loop, because it stops early: the cost
    -- depends on what trades, never on how deep the book is.
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

    create table idempotency_keys (
      account_id uuid not null references accounts,
      key text not null check (length(key) between 1 and 255),
      request_hash bytea not null check (length(request_hash) = 32),
      order_id uuid references orders,
      refusal jsonb,
      created_at timestamptz not null default now(),
      primary key (account_id, key),
      check ((order_id is null) <> (refusal is null))
    );
    create index idempotency_keys_age on idempotency_keys (created_at);

    select references_by_statement('orders', 'account_id', 'accounts');
    select references_by_statement('orders', 'asset_id', 'assets');
    select references_by_statement('work_items', 'shard', 'shards');
    select references_by_statement('work_items', 'order_id', 'orders');
    select references_by_statement('book_orders', 'order_id', 'orders');
    select protect_from_delete('orders');

    grant select, insert on orders to brokerx_app;
    grant update (status, filled_qty, filled_value, fees, hold, reason, version, updated_at,
      closed_at) on orders to brokerx_app;
    grant select, insert, update, delete on work_items, book_orders to brokerx_app;
    grant select, insert, delete on idempotency_keys to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table idempotency_keys;
    drop function reachable_book_orders(uuid, text, bigint, numeric);
    drop table book_orders, work_items, orders;
    drop function orders_account_id_reference(), orders_asset_id_reference(),
      work_items_shard_reference(), work_items_order_id_reference(),
      book_orders_order_id_reference();
  `);
}
