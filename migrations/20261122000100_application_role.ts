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

    create function refuse_delete() returns trigger language plpgsql as $$
    begin
      raise exception 'rows of % are never deleted', tg_table_name
        using errcode = 'insufficient_privilege';
    end $$;

    create function protect_from_delete(target regclass) returns void language plpgsql as $$
    begin
      execute format('create trigger never_deleted before delete or truncate on %s
                      for each statement execute function refuse_delete()', target);
    end $$;

    -- A foreign key for bulk inserts on the order path: the same guarantee, checked once a statement
    -- over its new rows instead of once a row, and without a lock on the parent (see ADR 0002). Only
    -- for parents that are never deleted and whose id never changes. Makes a trigger function of its
    -- own for each reference, so that its one query is planned once a connection.
    create function references_by_statement(child regclass, child_column text, parent regclass)
    returns void language plpgsql as $outer$
    declare
      name text := child::text || '_' || child_column || '_reference';
    begin
      execute format($function$
        create function %1$I() returns trigger language plpgsql as $body$
        declare
          stranger text;
        begin
          select inserted.%2$I::text into stranger from inserted
          where inserted.%2$I is not null
            and not exists (select from %3$s parent where parent.id = inserted.%2$I)
          limit 1;
          if found then
            raise exception 'insert into %4$s: there is no row %% in %3$s', stranger
              using errcode = 'foreign_key_violation';
          end if;
          return null;
        end $body$
      $function$, name, child_column, parent, child);
      execute format('create trigger %I after insert on %s referencing new table as inserted
                      for each statement execute function %I()', name, child, name);
      execute format('comment on column %s.%I is %L', child, child_column,
                     'references ' || parent::text || ' (checked by statement)');
    end $outer$;

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
    drop function references_by_statement(regclass, text, regclass);
    drop function protect_from_delete(regclass);
    drop function refuse_delete();
    drop function refuse_rewrite();
    revoke usage on schema public from brokerx_app;
  `);
}
