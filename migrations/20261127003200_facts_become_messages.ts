import type { Knex } from 'knex';

/**
 * A row of `notifications` is a fact about an order, gathered with others into a message; mails are
 * sent from there, so attempts are counted there. What waits for a mail at this moment is gathered.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table notifications
      add column message_id uuid,
      add column mail_anyway boolean not null default false,
      drop column attempts,
      drop column last_error,
      drop constraint notifications_kind_check,
      drop constraint notifications_executions_check,
      add constraint notifications_kind_check check (kind in ('order_executed', 'order_changed')),
      add constraint notifications_executions_check check (executions >= 0),
      add constraint notifications_kind_fits check ((kind = 'order_executed') = (executions > 0));
    comment on column notifications.delivered_at is 'when it was gathered into its message';
    comment on column notifications.mail_anyway is 'another channel has failed';
    comment on column notifications.message_id is 'references messages (written with it)';
    update notifications set due_at = created_at
      where delivered_at is null and due_at < 'infinity';
    grant update (message_id, mail_anyway) on notifications to brokerx_app;

    -- A mail that was given up; one with a secret only expires.
    alter table mails add column dead_at timestamptz;
    update mails set dead_at = created_at where delivered_at is null and due_at = 'infinity'
      and expires_at is null;
    create index mails_dead on mails (id) where dead_at is not null;
    grant update (dead_at) on mails to brokerx_app;
  `);
}

/** Facts without an execution go: the earlier version cannot tell of them. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table mails drop column dead_at;
    delete from notifications where executions = 0;
    alter table notifications
      drop constraint notifications_kind_fits,
      drop constraint notifications_kind_check,
      drop constraint notifications_executions_check,
      drop column message_id,
      drop column mail_anyway,
      add column attempts integer not null default 0,
      add column last_error text,
      add constraint notifications_kind_check check (kind in ('order_executed')),
      add constraint notifications_executions_check check (executions > 0);
    comment on column notifications.delivered_at is null;
    grant update (attempts, last_error) on notifications to brokerx_app;
  `);
}
