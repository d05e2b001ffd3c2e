import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The simulated external venue's own records, as if they were in another company's database: its
    -- role sees nothing of ours, and ours sees nothing of it.
    do $$
    begin
      create role brokerx_external_venue nologin;
    exception when duplicate_object or unique_violation then null; -- roles belong to the cluster
    end $$;
    do $$
    begin
      if not pg_has_role(current_user, 'brokerx_external_venue', 'member') then
        execute format('grant brokerx_external_venue to %I', current_user);
      end if;
    end $$;
    create schema external_venue;

    create table external_venue.orders (
      route uuid primary key,
      symbol text not null,
      side text not null check (side in ('buy', 'sell')),
      qty bigint not null check (qty > 0),
      limit_price bigint not null check (limit_price > 0),
      good_until timestamptz not null,
      created_at timestamptz not null,
      canceled_at timestamptz
    );
    comment on table external_venue.orders is 'what a customer has sent, by its name for it';

    create table external_venue.reports (
      id uuid primary key,
      route uuid not null references external_venue.orders,
      sequence integer not null check (sequence > 0),
      type text not null check (type in ('fill', 'rejected', 'done')),
      execution_id uuid unique,
      price bigint,
      qty bigint check (qty > 0),
      total_qty bigint,
      reason text,
      happens_at timestamptz not null,
      due_at timestamptz not null,
      repeats integer not null default 0 check (repeats >= 0),
      told_at timestamptz,
      unique (route, sequence)
    );
    comment on column external_venue.reports.happens_at is
      'what is still to happen when the order is canceled does not happen';
    comment on column external_venue.reports.due_at is 'infinity: told only when it is asked for';
    comment on column external_venue.reports.repeats is 'so often it is told again';
    create index reports_due on external_venue.reports (due_at) where told_at is null;

    grant usage on schema external_venue to brokerx_external_venue;
    grant select, insert on all tables in schema external_venue to brokerx_external_venue;
    grant update (canceled_at) on external_venue.orders to brokerx_external_venue;
    grant update (due_at, repeats, told_at) on external_venue.reports to brokerx_external_venue;
    grant delete on external_venue.reports to brokerx_external_venue;
  `);
}

export async function down(knex: Knex): Promise<void> {
  // The role stays: it belongs to the cluster and other databases may use it.
  await knex.raw('drop schema external_venue cascade');
}
