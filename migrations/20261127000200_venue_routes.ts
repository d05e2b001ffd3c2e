import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The external venue's side of a trade: outside, so it keeps no balance and may be below zero.
    insert into accounts (id, account_number, kind)
    values ('00000000-0000-7000-8000-00000000000a', 'HOUSE-VENUE', 'external')
    on conflict do nothing;

    -- The rest of an order that was given to the external venue. Changed by the passes, under the
    -- shard's lock; staff only ask (close_reason), and the upkeep notes when to ask again.
    create table venue_routes (
      id uuid primary key,
      order_id uuid not null,
      account_id uuid not null,
      asset_id uuid not null,
      shard integer not null,
      side text not null check (side in ('buy', 'sell')),
      qty bigint not null check (qty > 0),
      limit_price bigint not null check (limit_price > 0),
      reference_price bigint not null check (reference_price > 0),
      good_until timestamptz not null,
      status text not null default 'open' check (status in ('open', 'done', 'rejected', 'closed')),
      reason text,
      filled_qty bigint not null default 0 check (filled_qty between 0 and qty),
      applied_sequence integer not null default 0 check (applied_sequence >= 0),
      ends_as text check (ends_as in ('canceled', 'expired', 'rejected')),
      ends_reason text,
      close_reason text,
      disputed boolean not null default false,
      asked integer not null default 0,
      reconcile_at timestamptz not null,
      created_at timestamptz not null,
      ended_at timestamptz,
      check ((ended_at is null) = (status = 'open'))
    ) with (fillfactor = 70);
    comment on column venue_routes.qty is 'in 10^-9 units';
    comment on column venue_routes.limit_price is 'the worst price it may trade at, in 10^-4 USD';
    comment on column venue_routes.reference_price is 'our price when it was routed, in 10^-4 USD';
    comment on column venue_routes.applied_sequence is 'the last of the venue''s reports that took effect';
    comment on column venue_routes.ends_as is
      'how the order ends once the venue is done: set when it was canceled, or its session is over';
    comment on column venue_routes.close_reason is 'why staff gave it up';
    comment on column venue_routes.disputed is 'the venue contradicts itself or us: staff must look';
    comment on column venue_routes.asked is 'how often the venue was asked about it';
    -- The rest of an order is in one place.
    create unique index venue_routes_one_open on venue_routes (order_id) where status = 'open';
    create index venue_routes_of_order on venue_routes (order_id);
    create index venue_routes_reconcile on venue_routes (reconcile_at) where status = 'open';
    create index venue_routes_disputed on venue_routes (id) where disputed;

    -- What the venue has said, each report once: by its id, by its place, by its execution.
    create table venue_reports (
      id uuid primary key,
      route_id uuid not null references venue_routes,
      sequence integer not null check (sequence > 0),
      type text not null check (type in ('fill', 'rejected', 'done')),
      symbol text not null,
      side text not null,
      execution_id uuid unique,
      price bigint,
      qty bigint,
      total_qty bigint,
      reason text,
      received_at timestamptz not null,
      unique (route_id, sequence),
      check ((type = 'fill') = (num_nonnulls(execution_id, price, qty) = 3)),
      check ((type = 'done') = (total_qty is not null))
    );

    -- An order at the venue is open, and not in the book.
    alter table orders add column route_id uuid;
    comment on column orders.route_id is 'where its rest is: its open route at the external venue';
    alter table parked_orders
      drop constraint parked_orders_waits_for_check,
      add constraint parked_orders_waits_for_check
        check (waits_for in ('trigger', 'entry', 'session', 'venue'));
    alter table work_items
      drop constraint work_items_kind_check,
      add constraint work_items_kind_check
        check (kind in ('place', 'cancel', 'replace', 'expire', 'release', 'venue'));

    select references_by_statement('venue_routes', 'order_id', 'orders');
    select protect_from_delete('venue_routes');
    select protect_append_only('venue_reports');
    grant select, insert on venue_routes to brokerx_app;
    grant update (status, reason, filled_qty, applied_sequence, ends_as, ends_reason, close_reason,
      disputed, asked, reconcile_at, ended_at) on venue_routes to brokerx_app;
    grant update (route_id) on orders to brokerx_app;
  `);
}

/** The account stays, as the other ones of the house do: postings may name it. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table work_items
      drop constraint work_items_kind_check,
      add constraint work_items_kind_check
        check (kind in ('place', 'cancel', 'replace', 'expire', 'release')) not valid;
    alter table parked_orders
      drop constraint parked_orders_waits_for_check,
      add constraint parked_orders_waits_for_check
        check (waits_for in ('trigger', 'entry', 'session')) not valid;
    alter table orders drop column route_id;
    drop table venue_reports, venue_routes;
    drop function venue_routes_order_id_reference();
  `);
}
