import type { Knex } from 'knex';

const SOURCES = `
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
  from accounts a join devices d on d.client_id = a.client_id`;

/** Clients who have given the same bank account are linked, also after one of them has removed it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create index bank_accounts_link on bank_accounts (encode(fingerprint, 'hex'));
    create or replace view account_link_keys as ${SOURCES}
      union all
      select a.id, 'bank_account', encode(b.fingerprint, 'hex')
      from accounts a join bank_accounts b on b.client_id = a.client_id
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    create or replace view account_link_keys as ${SOURCES};
    drop index bank_accounts_link
  `);
}
