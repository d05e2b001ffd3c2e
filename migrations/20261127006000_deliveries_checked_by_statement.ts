import type { Knex } from 'knex';

/**
 * Gathering writes deliveries by the thousand: a look into `messages` for each row was a third of what
 * that took. The same guarantee, once a statement (ADR 0002).
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table message_deliveries drop constraint message_deliveries_message_id_fkey;
    select references_by_statement('message_deliveries', 'message_id', 'messages');
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger message_deliveries_message_id_reference on message_deliveries;
    drop function message_deliveries_message_id_reference();
    alter table message_deliveries add foreign key (message_id) references messages;
  `);
}
