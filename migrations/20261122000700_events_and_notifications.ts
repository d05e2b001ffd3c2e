import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- One gap-free log per account: event_id counts up from 1 under the account's row lock. A row
    -- holds what the event changed of its order; what never changes is read from the order.
    create table account_events (
      account_id uuid not null,
      event_id bigint not null check (event_id > 0),
      type text not null,
      order_id uuid,
      order_status text,
      order_version integer,
      filled_qty bigint,
      filled_value bigint,
      fees bigint, -- of the order so far
      execution_id uuid,
      price bigint,
      qty bigint,
      fee bigint, -- of this execution
      position_qty bigint,
      reason text,
      occurred_at timestamptz not null,
      primary key (account_id, event_id)
    );

    create table notifications (
      id bigint generated always as identity primary key,
      account_id uuid not null,
      kind text not null check (kind in ('order_executed')),
      order_id uuid not null,
      order_status text not null,
      executions integer not null check (executions > 0),
      qty bigint not null,
      value bigint not null,
      fees bigint not null,
      created_at timestamptz not null,
      attempts integer not null default 0,
      due_at timestamptz not null,
      delivered_at timestamptz,
      last_error text
    );
    create index notifications_due on notifications (due_at) where delivered_at is null;

    select references_by_statement('account_events', 'account_id', 'accounts');
    select references_by_statement('account_events', 'order_id', 'orders');
    select references_by_statement('notifications', 'account_id', 'accounts');
    select references_by_statement('notifications', 'order_id', 'orders');
    select protect_append_only('account_events');
    grant select, insert, update (attempts, due_at, delivered_at, last_error) on notifications
      to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table notifications, account_events;
    drop function account_events_account_id_reference(), account_events_order_id_reference(),
      notifications_account_id_reference(), notifications_order_id_reference();
  `);
}
