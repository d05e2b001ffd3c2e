import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Who a client is. Staff and clients of earlier versions have none of it.
    alter table clients
      add column phone text check (phone ~ '^\\+[1-9][0-9]{6,14}$'),
      add column date_of_birth date,
      add column address jsonb,
      add column email_verified_at timestamptz,
      add column status_reason text,
      add column activated_at timestamptz;
    comment on column clients.phone is 'E.164';
    comment on column clients.address is 'street, city, region, postal_code, country (ISO 3166)';

    -- A sign-up that expired, and a client who left, do not keep the address from anybody.
    alter table clients drop constraint clients_email_key;
    create unique index clients_email on clients (email) where status <> 'closed';
    create unique index clients_phone on clients (phone) where status <> 'closed';
    create index clients_pending on clients (created_at) where status = 'pending';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index clients_pending, clients_phone, clients_email;
    alter table clients add constraint clients_email_key unique (email);
    alter table clients
      drop column phone, drop column date_of_birth, drop column address,
      drop column email_verified_at, drop column status_reason, drop column activated_at;
  `);
}
