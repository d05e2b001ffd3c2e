import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table clients (
      id uuid primary key,
      email text not null check (email = lower(email) and email like '%_@_%' and length(email) <= 254),
      password_hash text,
      first_name text not null,
      last_name text not null,
      role text not null default 'client' check (role in ('client', 'ops', 'compliance', 'admin')),
      status text not null default 'pending'
        check (status in ('pending', 'active', 'suspended', 'rejected', 'closed')),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      unique (email)
    );

    -- One row is one set of money: cash (10^-4 USD), what open buy orders hold of it, and the
    -- account's last event number. It is updated by every batch, hence the free space for HOT.
    create table accounts (
      id uuid primary key,
      client_id uuid references clients,
      account_number text not null unique,
      kind text not null default 'client' check (kind in ('client', 'house', 'external')),
      cash bigint not null default 0,
      cash_held bigint not null default 0 check (cash_held >= 0),
      last_event_id bigint not null default 0,
      created_at timestamptz not null default now(),
      check (kind = 'external' or cash >= cash_held),
      check (kind <> 'client' or client_id is not null)
    ) with (fillfactor = 50);
    create index accounts_client on accounts (client_id);

    create table api_keys (
      id text primary key check (id ~ '^[A-Z0-9]{20}$'),
      client_id uuid not null references clients,
      account_id uuid references accounts,
      secret_hash bytea not null check (length(secret_hash) = 32),
      scopes text[] not null default '{read,trade}'
        check (scopes <@ array['read', 'trade', 'admin'] and scopes <> '{}'),
      label text not null default '',
      created_at timestamptz not null default now(),
      revoked_at timestamptz
    );
    create index api_keys_client on api_keys (client_id);
    create index api_keys_revoked on api_keys (revoked_at) where revoked_at is not null;

    grant select, insert, update on clients, api_keys to brokerx_app;
    grant select, insert, update (cash, cash_held, last_event_id) on accounts to brokerx_app;
    select protect_from_delete('clients');
    select protect_from_delete('accounts');
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table api_keys, accounts, clients');
}
