import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- What clients have chosen; whatever is not here is as the program has it by default.
    create table notification_preferences (
      client_id uuid not null references clients,
      event text not null check (length(event) between 1 and 64),
      channel text not null check (channel in ('email', 'in_app', 'webhook')),
      wanted boolean not null,
      updated_at timestamptz not null,
      primary key (client_id, event, channel),
      check (wanted or channel = 'webhook' or event not like 'security.%')
    );
    alter table clients add column language text not null default 'en'
      check (language in ('en', 'fr'));
    comment on column clients.language is 'in which the client is written to';
    grant select, insert, update (wanted, updated_at) on notification_preferences to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table notification_preferences;
    alter table clients drop column language;
  `);
}
