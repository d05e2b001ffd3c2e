import type { Knex } from 'knex';

/** For reading the changes of one account, one asset or one member of staff, newest first. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create index control_changes_account on control_changes ((target ->> 'account_id'), id);
    create index control_changes_symbol on control_changes ((target ->> 'symbol'), id);
    create index control_changes_actor on control_changes (actor_id, id);
    create index trading_blocks_listed on trading_blocks (kind, scope, id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index control_changes_account, control_changes_symbol, control_changes_actor,
      trading_blocks_listed`);
}
