import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- One row: everything before its time was looked at, once.
    create table surveillance_progress (
      id integer primary key check (id = 1),
      looked_at_until timestamptz not null,
      updated_at timestamptz not null
    );

    -- What each account traded of each asset on a day (UTC), added up window by window together with
    -- the progress: a day's volume without reading the day's executions again and again.
    create table surveillance_volumes (
      day date not null,
      asset_id uuid not null,
      account_id uuid not null,
      bought bigint not null,
      sold bigint not null,
      value bigint not null,
      trades bigint not null,
      primary key (day, asset_id, account_id)
    ) with (fillfactor = 70);

    -- An address as people write it, made comparable; null without a street.
    create function address_key(address jsonb) returns text language sql immutable as $$
      select nullif(regexp_replace(lower(address ->> 'street'), '[^[:alnum:]]+', '', 'g'), '')
        || '|' || regexp_replace(lower(coalesce(address ->> 'postal_code', '')), '[^[:alnum:]]+', '', 'g')
        || '|' || lower(coalesce(address ->> 'country', ''))
    $$;
    create index clients_address on clients (address_key(address)) where address is not null;
    create index clients_phone_ever on clients (phone) where phone is not null;
    create index devices_place on devices ((ip || ' ' || user_agent));

    -- What accounts may have in common, a row each: accounts that share a value of a kind are linked.
    -- A device is a browser behind an address of the network. New sources are further branches.
    create view account_link_keys as
      select a.id as account_id, 'client' as kind, a.client_id::text as value
      from accounts a where a.client_id is not null
      union all
      select a.id, 'phone', c.phone
      from accounts a join clients c on c.id = a.client_id where c.phone is not null
      union all
      select a.id, 'address', address_key(c.address)
      from accounts a join clients c on c.id = a.client_id
      where c.address is not null and address_key(c.address) is not null
      union all
      select a.id, 'device', d.ip || ' ' || d.user_agent
      from accounts a join devices d on d.client_id = a.client_id;

    grant select, insert, update on surveillance_progress to brokerx_app;
    grant select, insert, update, delete on surveillance_volumes to brokerx_app;
    grant select on account_link_keys to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop view account_link_keys;
    drop index devices_place, clients_phone_ever, clients_address;
    drop function address_key(jsonb);
    drop table surveillance_volumes, surveillance_progress;
  `);
}
