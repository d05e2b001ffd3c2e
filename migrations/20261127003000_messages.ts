import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- What a client has been told, one row a message: the list that the client reads. The row is the
    -- delivery in the app; other channels have a row in message_deliveries.
    create table messages (
      id uuid primary key,
      client_id uuid not null,
      account_id uuid,
      number bigint check (number > 0),
      event text not null check (length(event) between 1 and 64),
      data jsonb not null,
      account_event_id bigint,
      happened_at timestamptz not null,
      created_at timestamptz not null,
      read_at timestamptz,
      unique (client_id, number),
      check (number is not null or read_at is null)
    );
    comment on column messages.number is
      'its place in the client''s list, counted up from 1 without a gap; null: not in the list';
    comment on column messages.account_event_id is 'the line of account_events that says the same';
    comment on column messages.happened_at is 'when the first of its facts was committed';
    create index messages_unread on messages (client_id, number)
      where read_at is null and number is not null;
    create unique index messages_of_event on messages (account_id, account_event_id)
      where account_event_id is not null;

    -- One row a client who was ever told something. Its lock makes numbers come in the order of the
    -- commits; take it after those of accounts.
    create table message_receivers (
      client_id uuid primary key references clients,
      last_number bigint not null default 0,
      mailed_at timestamptz
    ) with (fillfactor = 50);
    comment on column message_receivers.mailed_at is 'when the last mail was sent: not too many at once';

    -- A message on its way by a channel. While it waits due_at says when to try; who tries moves it
    -- ahead (a lease).
    create table message_deliveries (
      message_id uuid not null references messages,
      channel text not null check (channel in ('email')),
      client_id uuid not null,
      happened_at timestamptz not null,
      attempts integer not null default 0,
      due_at timestamptz not null,
      delivered_at timestamptz,
      dead_at timestamptz,
      last_error text,
      primary key (message_id, channel),
      check (delivered_at is null or dead_at is null)
    ) with (fillfactor = 70);
    comment on column message_deliveries.dead_at is 'given up: somebody has to look, and may redrive it';
    create index message_deliveries_due on message_deliveries (channel, due_at)
      where delivered_at is null and dead_at is null;
    create index message_deliveries_pending on message_deliveries (client_id, channel, message_id)
      where delivered_at is null and dead_at is null;
    create index message_deliveries_oldest on message_deliveries (channel, happened_at)
      where delivered_at is null and dead_at is null;
    create index message_deliveries_dead on message_deliveries (channel, message_id)
      where dead_at is not null;

    select references_by_statement('messages', 'client_id', 'clients');
    select references_by_statement('messages', 'account_id', 'accounts');
    select protect_from_delete('messages');
    grant select, insert, update (read_at) on messages to brokerx_app;
    grant select, insert, update (last_number, mailed_at) on message_receivers to brokerx_app;
    grant select, insert, delete, update (attempts, due_at, delivered_at, dead_at, last_error)
      on message_deliveries to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table message_deliveries, message_receivers, messages;
    drop function messages_client_id_reference(), messages_account_id_reference();
  `);
}
