import type { Knex } from 'knex';

/**
 * The role the application works as. Migrations run as the owner of the database; every connection
 * of the application does `SET ROLE brokerx_app` at its start, so a table that grants only
 * `select, insert` cannot be rewritten by a bug or an injection.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    do $$
    begin
      create role brokerx_app nologin;
    exception when duplicate_object or unique_violation then null; -- roles belong to the cluster
    end $$;
    do $$
    begin
      if not pg_has_role(current_user, 'brokerx_app', 'member') then
        execute format('grant brokerx_app to %I', current_user);
      end if;
    end $$;
    grant usage on schema public to brokerx_app;

    create function refuse_rewrite() returns trigger language plpgsql as $$
    begin
      raise exception '% is append-only: % refused', tg_table_name, lower(tg_op)
        using errcode = 'insufficient_privilege';
    end $$;

    create function protect_append_only(target regclass) returns void language plpgsql as $$
    begin
      execute format('grant select, insert on %s to brokerx_app', target);
      execute format('create trigger append_only before update or delete or truncate on %s
                      for each statement execute function refuse_rewrite()', target);
    end $$;
  `);
}

export async function down(knex: Knex): Promise<void> {
  // The role stays: it belongs to the cluster and other databases may use it.
  await knex.raw(`
    drop function protect_append_only(regclass);
    drop function refuse_rewrite();
    revoke usage on schema public from brokerx_app;
  `);
}
