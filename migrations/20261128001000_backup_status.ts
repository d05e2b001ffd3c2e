import type { Knex } from 'knex';

/**
 * How each kind of backup stands, written by whoever makes it, as the database's owner, and read by
 * the processes that tell metrics. One row a kind: the files tell of themselves what there is.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table backup_status (
      kind text primary key check (kind in ('dump', 'base', 'wal')),
      -- What was committed before this moment is in the backup.
      last_success_at timestamptz,
      bytes bigint check (bytes >= 0),
      -- Since the last success.
      failures integer not null default 0 check (failures >= 0),
      last_failure_at timestamptz,
      last_error text
    );
    insert into backup_status (kind) values ('dump'), ('base'), ('wal');
    select protect_from_delete('backup_status');
    grant select on backup_status to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table backup_status');
}
