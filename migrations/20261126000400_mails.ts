import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Mails about the client rather than about executions (those are in notifications): written with
    -- the fact that they tell of, and sent by a worker.
    create table mails (
      id uuid primary key,
      client_id uuid references clients,
      recipient text not null check (length(recipient) <= 254),
      kind text not null,
      data jsonb not null,
      secret bytea,
      created_at timestamptz not null default now(),
      expires_at timestamptz,
      attempts integer not null default 0,
      due_at timestamptz not null,
      delivered_at timestamptz,
      last_error text
    );
    comment on column mails.secret is 'a code or token, sealed; gone once the mail is delivered';
    comment on column mails.expires_at is 'not worth sending afterwards';
    create index mails_due on mails (due_at) where delivered_at is null;
    create index mails_client on mails (client_id, kind, created_at);
    grant select, insert, delete, update (attempts, due_at, delivered_at, last_error, secret)
      on mails to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table mails');
}
