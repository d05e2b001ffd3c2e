import type { Knex } from 'knex';

/**
 * Every type, class and time in force of the wire contract. The old checks come back `not valid` on
 * the way down: orders of the new kinds stay as they are, new ones are refused.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table orders
      drop constraint orders_type_check,
      drop constraint orders_time_in_force_check,
      drop constraint orders_status_check,
      drop constraint orders_check1,
      drop constraint orders_check2,
      drop constraint orders_check4,
      add column notional bigint check (notional > 0),
      add column stop_price bigint check (stop_price > 0),
      add column trail_price bigint check (trail_price > 0),
      add column trail_percent integer check (trail_percent between 1 and 999999),
      add column hwm bigint check (hwm > 0),
      add column order_class text not null default ''
        check (order_class in ('', 'bracket', 'oco', 'oto')),
      add column leg text check (leg in ('entry', 'take_profit', 'stop_loss')),
      add column group_id uuid,
      add column replaces uuid,
      add column replaced_by uuid,
      add column triggered_at timestamptz,
      add column first_pass uuid,
      add column last_pass uuid,
      add constraint orders_type_check
        check (type in ('market', 'limit', 'stop', 'stop_limit', 'trailing_stop')),
      add constraint orders_time_in_force_check
        check (time_in_force in ('day', 'gtc', 'ioc', 'fok', 'opg', 'cls')),
      add constraint orders_status_check check (status in ('accepted', 'held', 'new',
        'partially_filled', 'filled', 'canceled', 'expired', 'replaced', 'rejected')),
      add constraint orders_limit_price_by_type
        check ((type in ('limit', 'stop_limit')) = (limit_price is not null)),
      add constraint orders_stop_price_by_type
        check ((type in ('stop', 'stop_limit')) = (stop_price is not null)),
      add constraint orders_trail_by_type
        check ((type = 'trailing_stop') = (num_nonnulls(trail_price, trail_percent) = 1)),
      add constraint orders_closed_hold_nothing check (closed_at is null or hold = 0),
      add constraint orders_closed_by_status check ((closed_at is null) =
        (status in ('accepted', 'held', 'new', 'partially_filled'))),
      add constraint orders_group_by_class
        check ((order_class <> '') = (group_id is not null) and (leg is null) = (group_id is null));
    comment on column orders.qty is
      'in 10^-9 units; settlement lowers it for legs and sets it for orders by notional';
    comment on column orders.trail_percent is 'in 10^-4 percent';
    comment on column orders.hwm is
      'the best trade price that a trailing stop has seen, when it stopped trailing';
    comment on column orders.group_id is 'the orders that live and die together';
    create index orders_of_group on orders (group_id) where group_id is not null;
    grant update (qty, hwm, replaced_by, triggered_at, first_pass, last_pass) on orders
      to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index orders_of_group;
    revoke update (qty) on orders from brokerx_app;
    alter table orders
      drop constraint orders_limit_price_by_type,
      drop constraint orders_stop_price_by_type,
      drop constraint orders_trail_by_type,
      drop constraint orders_closed_hold_nothing,
      drop constraint orders_closed_by_status,
      drop constraint orders_group_by_class,
      drop constraint orders_type_check,
      drop constraint orders_time_in_force_check,
      drop constraint orders_status_check,
      drop column notional, drop column stop_price, drop column trail_price,
      drop column trail_percent, drop column hwm, drop column order_class, drop column leg,
      drop column group_id, drop column replaces, drop column replaced_by,
      drop column triggered_at, drop column first_pass, drop column last_pass,
      add constraint orders_type_check check (type in ('market', 'limit')) not valid,
      add constraint orders_time_in_force_check
        check (time_in_force in ('day', 'gtc', 'ioc', 'fok')) not valid,
      add constraint orders_status_check check (status in ('accepted', 'new', 'partially_filled',
        'filled', 'canceled', 'expired', 'rejected')) not valid,
      add constraint orders_check1 check ((type = 'limit') = (limit_price is not null)) not valid,
      add constraint orders_check2 check
        (status not in ('filled', 'canceled', 'expired', 'rejected') or hold = 0) not valid,
      add constraint orders_check4 check ((closed_at is null) =
        (status in ('accepted', 'new', 'partially_filled'))) not valid;
  `);
}
