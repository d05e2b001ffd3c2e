import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- A trade at the external venue has no resting order of ours. What the venue calls it is the
    -- settlement key in its place: a second booking of it fails here, whatever else went wrong.
    alter table executions
      alter column maker_order_id drop not null,
      add column venue_execution_id uuid,
      add constraint executions_other_side
        check ((maker_order_id is null) = (venue_execution_id is not null));
    create unique index executions_of_venue on executions (venue_execution_id)
      where venue_execution_id is not null;
  `);
}

/** Refused once something was traded at the venue: executions are never rewritten. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table executions
      drop constraint executions_other_side,
      drop column venue_execution_id,
      alter column maker_order_id set not null;
  `);
}
