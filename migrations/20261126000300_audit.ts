import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- What was done, by whom, from where: the exact JSON text that is hashed. What it is searched by
    -- is generated from it, so it cannot say anything else.
    create table audit_entries (
      id uuid primary key,
      content text not null,
      action text not null generated always as (content::jsonb ->> 'action') stored,
      actor_id text generated always as (content::jsonb #>> '{actor,client_id}') stored,
      client_id text generated always as (content::jsonb #>> '{subject,client_id}') stored,
      account_id text generated always as (content::jsonb #>> '{subject,account_id}') stored,
      symbol text generated always as (content::jsonb #>> '{subject,symbol}') stored,
      ip text generated always as (content::jsonb #>> '{origin,ip}') stored,
      request_id text generated always as (content::jsonb #>> '{origin,request_id}') stored,
      occurred_at text not null generated always as (content::jsonb ->> 'occurred_at') stored,
      check (content::jsonb ->> 'id' is not distinct from id::text),
      check (octet_length(content) <= 262144),
      check (occurred_at ~ '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$')
    );
    comment on column audit_entries.occurred_at is 'RFC 3339 in UTC with milliseconds: sorts as text';
    create index audit_entries_action on audit_entries (action, id);
    create index audit_entries_actor on audit_entries (actor_id, id);
    create index audit_entries_client on audit_entries (client_id, id);
    create index audit_entries_account on audit_entries (account_id, id);
    create index audit_entries_symbol on audit_entries (symbol, id) where symbol is not null;
    create index audit_entries_ip on audit_entries (ip, id) where ip is not null;
    create index audit_entries_request on audit_entries (request_id) where request_id is not null;
    create index audit_entries_occurred on audit_entries (occurred_at);

    -- The chain: each link's hash covers the link before it, its number and its entry's text.
    create table audit_chain (
      seq bigint primary key check (seq > 0),
      entry_id uuid not null unique references audit_entries,
      hash bytea not null check (length(hash) = 32)
    );
    create table audit_head (
      id boolean primary key default true check (id),
      seq bigint not null,
      hash bytea not null check (length(hash) = 32)
    );
    insert into audit_head (seq, hash) values (0, sha256(''));

    -- At the end of the transaction, so that acts wait for each other's commit and for nothing else.
    -- With the owner's rights: the application cannot write a link of its own.
    create function chain_audit_entry() returns trigger
    language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
    declare
      head audit_head;
      link bytea;
    begin
      select * into head from audit_head for update;
      link := sha256(head.hash || int8send(head.seq + 1) || convert_to(new.content, 'UTF8'));
      insert into audit_chain (seq, entry_id, hash) values (head.seq + 1, new.id, link);
      update audit_head set seq = head.seq + 1, hash = link;
      return null;
    end $$;
    -- A trigger of somebody's own table could have it write a link to a text that is not the entry's.
    revoke execute on function chain_audit_entry() from public;
    create constraint trigger chained after insert on audit_entries
      deferrable initially deferred for each row execute function chain_audit_entry();

    select protect_append_only('audit_entries');
    create trigger append_only before update or delete or truncate on audit_chain
      for each statement execute function refuse_rewrite();
    select protect_from_delete('audit_head');
    grant select on audit_chain, audit_head to brokerx_app;

    -- The changes of controls so far become the first entries.
    create function pg_temp.utc(moment timestamptz) returns text language sql as $$
      select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    $$;
    insert into audit_entries (id, content)
    select entry_id, jsonb_build_object(
      'id', entry_id, 'occurred_at', pg_temp.utc(occurred_at), 'action', action,
      'actor', jsonb_build_object('kind', 'person', 'client_id', actor_id),
      'origin', jsonb_build_object('ip', ip, 'request_id', request_id),
      'subject', target, 'before', before, 'after', after, 'reason', reason)::text
    from control_changes, lateral (
      select (lpad(to_hex((extract(epoch from occurred_at) * 1000)::bigint), 12, '0')
        || '70008000' || lpad(to_hex(id), 12, '0'))::uuid as entry_id) as numbered
    order by id;
    drop table control_changes;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    create table control_changes (
      id bigint generated always as identity primary key,
      actor_id uuid not null,
      action text not null,
      target jsonb not null,
      before jsonb,
      after jsonb,
      reason text,
      request_id text,
      ip text,
      occurred_at timestamptz not null default now()
    );
    select protect_append_only('control_changes');
    create index control_changes_account on control_changes ((target ->> 'account_id'), id);
    create index control_changes_symbol on control_changes ((target ->> 'symbol'), id);
    create index control_changes_actor on control_changes (actor_id, id);
    insert into control_changes
      (actor_id, action, target, before, after, reason, request_id, ip, occurred_at)
    select (entry #>> '{actor,client_id}')::uuid, entry ->> 'action', entry -> 'subject',
      entry -> 'before', entry -> 'after', entry ->> 'reason',
      entry #>> '{origin,request_id}', entry #>> '{origin,ip}',
      (entry ->> 'occurred_at')::timestamptz
    from (select id, content::jsonb as entry from audit_entries) as entries
    where entry ->> 'action' ~ '^(limits|halt|kill_switch|restriction)\\.'
    order by id;
    drop table audit_chain, audit_entries, audit_head;
    drop function chain_audit_entry();
  `);
}
