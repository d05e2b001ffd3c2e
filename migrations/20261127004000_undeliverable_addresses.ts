import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- A mail server has said that there is no such mailbox: what it said, and when. Forgotten when the
    -- address is confirmed anew or changed.
    alter table clients
      add column email_undeliverable_at timestamptz,
      add column email_undeliverable_reason text
        check (length(email_undeliverable_reason) between 1 and 500),
      add constraint clients_undeliverable_whole
        check ((email_undeliverable_at is null) = (email_undeliverable_reason is null));
    comment on column clients.email_undeliverable_at is
      'mails without a code are not sent to this address since';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table clients
      drop constraint clients_undeliverable_whole,
      drop column email_undeliverable_reason,
      drop column email_undeliverable_at;
  `);
}
