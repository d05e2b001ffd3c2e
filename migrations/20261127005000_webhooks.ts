import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Where a client's programs want to be told of what is in the account's log. The cursor says how
    -- far that has come; a worker that delivers holds a lease and nothing else, no transaction.
    create table webhook_endpoints (
      id uuid primary key,
      account_id uuid not null references accounts,
      url text not null check (length(url) <= 2048),
      description text not null default '' check (length(description) <= 200),
      events text[] not null check (cardinality(events) between 1 and 50),
      enabled boolean not null default true,
      disabled_reason text check (disabled_reason in ('owner', 'gone', 'failing')),
      disabled_at timestamptz,
      secret bytea not null,
      previous_secret bytea,
      previous_secret_until timestamptz,
      cursor bigint not null check (cursor >= 0),
      due_at timestamptz not null,
      attempts integer not null default 0 check (attempts >= 0),
      head_failing_since timestamptz,
      failing_since timestamptz,
      last_success_at timestamptz,
      lease uuid,
      leased_until timestamptz,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      check (enabled = (disabled_reason is null)),
      check (enabled = (disabled_at is null)),
      check ((previous_secret is null) = (previous_secret_until is null)),
      check ((attempts = 0) = (head_failing_since is null)),
      check ((lease is null) = (leased_until is null))
    );
    comment on column webhook_endpoints.cursor is 'the last event_id that is dealt with';
    comment on column webhook_endpoints.secret is 'sealed; signs every message';
    comment on column webhook_endpoints.previous_secret is 'sealed; signs as well until it is over';
    comment on column webhook_endpoints.attempts is 'of the event after the cursor; all failed';
    comment on column webhook_endpoints.head_failing_since is 'the first of these attempts';
    comment on column webhook_endpoints.failing_since is 'the first failure after the last success';
    comment on column webhook_endpoints.lease is
      'whose turn it is until leased_until, and only that turn moves the cursor; null: nobody''s';
    create index webhook_endpoints_account on webhook_endpoints (account_id);
    grant select, insert, update, delete on webhook_endpoints to brokerx_app;

    -- What became of each message: the delivery log, the dead letters, and what waits out of line
    -- (tests, and dead ones that are sent again). What waits in line has no row before its first
    -- attempt: the account's log and the cursor say it.
    create table webhook_deliveries (
      id uuid primary key,
      endpoint_id uuid not null references webhook_endpoints on delete cascade,
      event_id bigint check (event_id > 0),
      type text not null,
      message_id text not null,
      status text not null check (status in ('queued', 'retrying', 'delivered', 'dead')),
      attempts integer not null default 0 check (attempts >= 0),
      attempted_at timestamptz,
      duration_ms integer,
      response_status integer,
      response_body text check (length(response_body) <= 1024),
      error text check (length(error) <= 500),
      created_at timestamptz not null,
      updated_at timestamptz not null
    );
    comment on column webhook_deliveries.event_id is 'null for a test';
    comment on column webhook_deliveries.attempts is 'all that were made, replays included';
    create unique index webhook_deliveries_event on webhook_deliveries (endpoint_id, event_id)
      where event_id is not null;
    create index webhook_deliveries_log on webhook_deliveries (endpoint_id, id);
    create index webhook_deliveries_queued on webhook_deliveries (endpoint_id)
      where status = 'queued';
    create index webhook_deliveries_old on webhook_deliveries (updated_at);
    grant select, insert, update, delete on webhook_deliveries to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table webhook_deliveries, webhook_endpoints');
}
