import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- What one person asks for and another one decides. What was asked for cannot be changed
    -- afterwards: the application may write the decision and nothing else.
    create table approvals (
      id uuid primary key,
      kind text not null,
      payload jsonb not null,
      subject jsonb not null,
      summary text not null,
      requested_by uuid not null references clients,
      reason text not null,
      status text not null default 'pending'
        check (status in ('pending', 'approved', 'rejected', 'withdrawn', 'expired', 'failed')),
      decided_by uuid references clients,
      decision_reason text,
      failure text,
      result jsonb,
      created_at timestamptz not null,
      expires_at timestamptz not null check (expires_at > created_at),
      decided_at timestamptz,
      version integer not null default 1,
      check (decided_by <> requested_by),
      check ((decided_by is not null) = (status in ('approved', 'rejected', 'failed'))),
      check ((decided_at is null) = (status = 'pending')),
      check ((failure is not null) = (status = 'failed'))
    );
    comment on column approvals.payload is 'what would be done, as it was checked when asked for';
    comment on column approvals.failure is 'why it could not be done any more';
    create index approvals_status on approvals (status, id);
    create index approvals_kind on approvals (kind, id);
    create index approvals_expiry on approvals (expires_at) where status = 'pending';
    grant select, insert,
      update (status, decided_by, decision_reason, failure, result, decided_at, version)
      on approvals to brokerx_app;
    select protect_from_delete('approvals');
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table approvals');
}
