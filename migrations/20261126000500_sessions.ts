import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Where somebody has logged in from. A trusted one keeps a token of ours, and with it needs no second
    -- factor to log in.
    create table devices (
      id uuid primary key,
      client_id uuid not null references clients,
      token_hash bytea unique check (length(token_hash) = 32),
      user_agent text not null,
      ip text not null,
      first_seen_at timestamptz not null default now(),
      last_seen_at timestamptz not null default now(),
      trusted_until timestamptz,
      check (trusted_until is null or token_hash is not null)
    );
    create index devices_client on devices (client_id);

    -- One login, and everything that was refreshed from it.
    create table sessions (
      id uuid primary key,
      client_id uuid not null references clients,
      device_id uuid references devices,
      ip text not null,
      user_agent text not null,
      methods text[] not null check (methods <> '{}'),
      created_at timestamptz not null default now(),
      last_used_at timestamptz not null default now(),
      expires_at timestamptz not null,
      stepped_up_at timestamptz,
      ended_at timestamptz,
      end_reason text,
      check ((ended_at is null) = (end_reason is null))
    );
    comment on column sessions.methods is 'how the person proved who they are (RFC 8176)';
    comment on column sessions.stepped_up_at is 'the last second factor';
    create index sessions_client on sessions (client_id, created_at);
    -- Read three times a second by every API process.
    create index sessions_ended on sessions (ended_at) where ended_at is not null;

    create table refresh_tokens (
      hash bytea primary key check (length(hash) = 32),
      session_id uuid not null references sessions on delete cascade,
      issued_at timestamptz not null,
      expires_at timestamptz not null,
      spent_at timestamptz
    );
    create index refresh_tokens_session on refresh_tokens (session_id);

    -- A code to type in and a token for a link, for one purpose and once.
    create table one_time_codes (
      id uuid primary key,
      client_id uuid not null references clients,
      purpose text not null,
      code_hash bytea not null check (length(code_hash) = 32),
      token_hash bytea not null unique check (length(token_hash) = 32),
      data jsonb not null default '{}',
      failures integer not null default 0,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      used_at timestamptz
    );
    create index one_time_codes_client on one_time_codes (client_id, purpose, created_at);

    -- Failed logins and the like, counted by rate-limiter-flexible: they outlive a restart, and Redis.
    create table attempt_limits (
      key varchar(255) primary key,
      points integer not null default 0,
      expire double precision -- in ms; rate-limiter-flexible reckons with it as a number
    );

    grant select, insert, delete, update (token_hash, last_seen_at, trusted_until) on devices to brokerx_app;
    grant select, insert, delete,
      update (device_id, methods, last_used_at, expires_at, stepped_up_at, ended_at, end_reason)
      on sessions to brokerx_app;
    grant select, insert, delete, update (spent_at) on refresh_tokens to brokerx_app;
    grant select, insert, delete, update (failures, used_at) on one_time_codes to brokerx_app;
    grant select, insert, update, delete on attempt_limits to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table attempt_limits, one_time_codes, refresh_tokens, sessions, devices');
}
