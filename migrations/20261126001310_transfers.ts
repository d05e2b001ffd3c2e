import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The other sides of deposits and withdrawals. Both are outside, so they keep no balance and may be
    -- below zero: what lies at the bank for clients, and what clients owe, are the sums of the
    -- postings, negated.
    insert into accounts (id, account_number, kind) values
      ('00000000-0000-7000-8000-000000000004', 'HOUSE-BANK', 'external'),
      ('00000000-0000-7000-8000-000000000005', 'HOUSE-RECEIVABLES', 'external')
    on conflict do nothing;

    alter table journals drop constraint journals_kind_check;
    alter table journals add constraint journals_kind_check check
      (kind in ('trade', 'opening', 'deposit', 'withdrawal', 'adjustment', 'reversal'));

    -- One movement of money between a client's bank account and theirs with us. The row is the work;
    -- while it is open, a withdrawal's amount is part of accounts.cash_held.
    create table transfers (
      id uuid primary key,
      account_id uuid not null references accounts,
      bank_account_id uuid not null references bank_accounts,
      direction text not null check (direction in ('incoming', 'outgoing')),
      type text not null check (type in ('ach', 'wire')),
      amount bigint not null check (amount > 0),
      status text not null default 'queued'
        check (status in ('queued', 'sent', 'settled', 'failed', 'canceled', 'returned')),
      reason text,
      provider_sequence integer not null default 0 check (provider_sequence >= 0),
      owed bigint not null default 0 check (owed between 0 and amount),
      disputed boolean not null default false,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      expires_at timestamptz not null,
      sent_at timestamptz,
      reconcile_at timestamptz not null,
      settled_at timestamptz,
      closed_at timestamptz,
      check ((closed_at is null) = (status in ('queued', 'sent'))),
      check ((settled_at is not null) = (status in ('settled', 'returned'))),
      check (owed = 0 or status = 'returned')
    ) with (fillfactor = 70);
    comment on column transfers.amount is 'in 10^-4 USD';
    comment on column transfers.provider_sequence is 'the last of the provider''s events that took effect';
    comment on column transfers.owed is
      'what a returned deposit has left the client owing, in 10^-4 USD';
    comment on column transfers.disputed is 'the provider has contradicted itself: staff must look';
    comment on column transfers.reconcile_at is 'when to look again, while it is open';
    create index transfers_of_account on transfers (account_id, id);
    create index transfers_recent on transfers (account_id, created_at);
    create index transfers_open on transfers (account_id) where status in ('queued', 'sent');
    create index transfers_reconcile on transfers (reconcile_at) where status in ('queued', 'sent');
    create index transfers_owed on transfers (account_id) where owed > 0;
    create index transfers_bank_account on transfers (bank_account_id);

    -- What the provider has said, each event once: by its id, and by its place.
    create table transfer_callbacks (
      event_id uuid primary key,
      transfer_id uuid not null references transfers,
      sequence integer not null check (sequence > 0),
      type text not null check (type in ('accepted', 'settled', 'failed', 'returned')),
      amount bigint not null,
      reason text,
      received_at timestamptz not null,
      unique (transfer_id, sequence)
    );

    -- What became of a transfer, step by step.
    create table transfer_events (
      id uuid primary key,
      transfer_id uuid not null references transfers,
      type text not null,
      status text not null,
      provider_event_id uuid,
      reason text,
      occurred_at timestamptz not null
    );
    create index transfer_events_of on transfer_events (transfer_id, id);

    -- Whatever else goes wrong, a transfer is booked once and taken back once.
    create table transfer_journals (
      transfer_id uuid not null references transfers,
      kind text not null check (kind in ('settlement', 'reversal')),
      journal_id uuid not null unique references journals,
      primary key (transfer_id, kind)
    );

    grant select, insert, update (status, reason, provider_sequence, owed, disputed, updated_at,
      sent_at, reconcile_at, settled_at, closed_at) on transfers to brokerx_app;
    select protect_from_delete('transfers');
    select protect_append_only('transfer_callbacks');
    select protect_append_only('transfer_events');
    select protect_append_only('transfer_journals');
  `);
}

/** The accounts stay, as the other ones of the house do: postings may name them. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table transfer_journals, transfer_events, transfer_callbacks, transfers;
    alter table journals drop constraint journals_kind_check;
    alter table journals add constraint journals_kind_check check
      (kind in ('trade', 'opening', 'deposit', 'withdrawal', 'adjustment'));
  `);
}
