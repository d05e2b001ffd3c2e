import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- First answers to POST requests with an Idempotency-Key (orders have a table of their own). The
    -- row is inserted before the work and gets the answer after it, all in the transaction of the
    -- work: a key without an answer is never seen by anybody else. No foreign key: somebody who signs
    -- up is not a client yet.
    create table request_keys (
      scope text not null check (length(scope) between 1 and 100),
      key text not null check (length(key) between 1 and 255),
      request_hash bytea not null check (length(request_hash) = 32),
      status integer check (status between 200 and 299),
      headers jsonb,
      body text,
      refusal jsonb,
      created_at timestamptz not null default now(),
      primary key (scope, key),
      check (status is null or refusal is null)
    ) with (fillfactor = 50);
    create index request_keys_age on request_keys (created_at);
    grant select, insert, delete, update (status, headers, body, refusal) on request_keys
      to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table request_keys');
}
