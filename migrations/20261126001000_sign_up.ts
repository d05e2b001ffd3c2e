import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table clients add column reminded_at timestamptz;
    comment on column clients.reminded_at is 'of the sign-up that is not complete; once';
    create index clients_pending_by_id on clients (id) where status = 'pending';

    -- What a client has shown of themselves: the document itself stays with them, its hash is here.
    create table client_documents (
      id uuid primary key,
      client_id uuid not null references clients,
      kind text not null
        check (kind in ('passport', 'id_card', 'driving_licence', 'proof_of_address')),
      sha256 bytea not null check (length(sha256) = 32),
      file_name text not null,
      content_type text not null,
      size bigint not null check (size > 0),
      issuing_country text check (issuing_country ~ '^[A-Z]{2}$'),
      document_number_last4 text check (length(document_number_last4) <= 4),
      expires_on date,
      created_at timestamptz not null default now(),
      unique (client_id, sha256)
    );
    create index client_documents_sha256 on client_documents (sha256);
    select protect_append_only('client_documents');

    -- What compliance decided about a sign-up; the client's status is what came of it.
    create table client_reviews (
      id uuid primary key,
      client_id uuid not null unique references clients,
      decision text not null check (decision in ('approve', 'reject')),
      reason text not null,
      decided_by uuid not null references clients,
      decided_at timestamptz not null default now(),
      check (decided_by <> client_id)
    );
    create index client_reviews_decision on client_reviews (decision, client_id);
    select protect_append_only('client_reviews');

    -- Mails to an address are counted, so that nobody can flood somebody else's.
    create index mails_recipient on mails (recipient, kind, created_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index mails_recipient;
    drop table client_reviews, client_documents;
    drop index clients_pending_by_id;
    alter table clients drop column reminded_at;
  `);
}
