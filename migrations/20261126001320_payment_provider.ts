import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The simulated payment provider's own records, as if they were in another company's database: its
    -- role sees nothing of ours, and ours sees nothing of it.
    do $$
    begin
      create role brokerx_payment_provider nologin;
    exception when duplicate_object or unique_violation then null; -- roles belong to the cluster
    end $$;
    do $$
    begin
      if not pg_has_role(current_user, 'brokerx_payment_provider', 'member') then
        execute format('grant brokerx_payment_provider to %I', current_user);
      end if;
    end $$;
    create schema payment_provider;

    create table payment_provider.payments (
      id uuid primary key,
      reference text not null unique,
      direction text not null check (direction in ('incoming', 'outgoing')),
      amount bigint not null check (amount > 0),
      bank_account text not null,
      created_at timestamptz not null
    );
    comment on column payment_provider.payments.reference is 'how the customer calls it';
    comment on column payment_provider.payments.amount is 'in 10^-4 USD';

    create table payment_provider.events (
      id uuid primary key,
      payment_id uuid not null references payment_provider.payments,
      sequence integer not null check (sequence > 0),
      type text not null check (type in ('accepted', 'settled', 'failed', 'returned')),
      reason text,
      created_at timestamptz not null,
      due_at timestamptz not null,
      repeats integer not null default 0 check (repeats >= 0),
      attempts integer not null default 0,
      delivered_at timestamptz,
      last_error text,
      unique (payment_id, sequence)
    );
    comment on column payment_provider.events.due_at is 'infinity: told only when it is asked for';
    comment on column payment_provider.events.repeats is 'so often it is told again';
    create index events_due on payment_provider.events (due_at) where delivered_at is null;

    grant usage on schema payment_provider to brokerx_payment_provider;
    grant select, insert on all tables in schema payment_provider to brokerx_payment_provider;
    grant update (due_at, repeats, attempts, delivered_at, last_error) on payment_provider.events
      to brokerx_payment_provider;
  `);
}

export async function down(knex: Knex): Promise<void> {
  // The role stays: it belongs to the cluster and other databases may use it.
  await knex.raw('drop schema payment_provider cascade');
}
