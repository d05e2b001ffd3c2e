import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Where a client's money comes from and goes to. The number itself is sealed; the same account of
    -- two clients has the same fingerprint.
    create table bank_accounts (
      id uuid primary key,
      client_id uuid not null references clients,
      kind text not null check (kind in ('iban', 'us')),
      country text not null check (country ~ '^[A-Z]{2}$'),
      holder_name text not null check (length(holder_name) between 1 and 100),
      nickname text check (length(nickname) between 1 and 50),
      number_sealed bytea not null,
      last4 text not null check (length(last4) = 4),
      fingerprint bytea not null check (length(fingerprint) = 32),
      status text not null default 'active' check (status in ('active', 'closed')),
      created_at timestamptz not null default now(),
      closed_at timestamptz,
      check ((status = 'closed') = (closed_at is not null))
    );
    comment on column bank_accounts.number_sealed is 'JSON of the IBAN, or of routing and account number';
    comment on column bank_accounts.fingerprint is 'keyed hash of the normalised number';
    create unique index bank_accounts_once on bank_accounts (client_id, fingerprint)
      where status = 'active';
    create index bank_accounts_fingerprint on bank_accounts (fingerprint);
    grant select, insert, update (status, closed_at) on bank_accounts to brokerx_app;
    select protect_from_delete('bank_accounts');
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table bank_accounts');
}
