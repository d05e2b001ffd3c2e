import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Staff look clients up by the beginning of a name.
    create index clients_full_name on clients
      (lower(first_name || ' ' || last_name) text_pattern_ops);
    create index clients_last_name on clients (lower(last_name) text_pattern_ops);
    create index clients_staff on clients (role, id) where role <> 'client';

    -- The kill switches that a suspension turned on go with it; one that somebody set before stays.
    alter table trading_blocks
      add column by_suspension boolean not null default false,
      add check (not by_suspension or (kind = 'kill' and scope = 'account'));
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table trading_blocks drop column by_suspension;
    drop index clients_staff, clients_last_name, clients_full_name;
  `);
}
