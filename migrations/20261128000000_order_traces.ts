import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- In which trace somebody asked for something of an order: where its work item, the facts of it and
    -- what its client is told belong. Only sampled requests have a row, and only for a while.
    create table order_traces (
      order_id uuid not null,
      kind text not null check (kind in ('place', 'cancel', 'replace')),
      traceparent text not null check (length(traceparent) = 55),
      created_at timestamptz not null,
      primary key (order_id, kind)
    );
    comment on column order_traces.traceparent is 'as in W3C Trace Context, version 00';
    create index order_traces_age on order_traces using brin (created_at);
    grant select, insert, update, delete on order_traces to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table order_traces');
}
