import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Something that people have to look into: opened by surveillance or by hand. A subject has one
    -- case of a kind that is not closed; further findings go there.
    create table surveillance_cases (
      id uuid primary key,
      kind text not null
        check (kind in ('wash_trade', 'layering', 'message_burst', 'concentration', 'other')),
      status text not null default 'open'
        check (status in ('open', 'under_review', 'escalated', 'closed')),
      account_ids uuid[] not null check (cardinality(account_ids) between 1 and 50),
      asset_id uuid references assets,
      subject text not null,
      window_start timestamptz not null,
      window_end timestamptz not null,
      score integer not null check (score between 1 and 100),
      summary text not null check (length(summary) between 1 and 2000),
      findings integer not null default 0,
      opened_by uuid references clients,
      assigned_to uuid references clients,
      resolution text check (resolution in
        ('false_positive', 'no_action', 'warning', 'restricted', 'reported')),
      version integer not null default 1,
      opened_at timestamptz not null,
      updated_at timestamptz not null,
      closed_at timestamptz,
      check (window_end >= window_start),
      check ((status = 'closed') = (resolution is not null)),
      check ((status = 'closed') = (closed_at is not null))
    );
    comment on column surveillance_cases.opened_by is 'null: by surveillance';
    comment on column surveillance_cases.subject is 'the accounts and the asset as one text';
    create unique index surveillance_cases_one_open on surveillance_cases (kind, subject)
      where status <> 'closed';
    create index surveillance_cases_accounts on surveillance_cases using gin (account_ids);
    create index surveillance_cases_unclosed on surveillance_cases (status, kind)
      where status <> 'closed';

    -- What a detector has found, once: the key names the rule, the accounts, the asset and the time.
    create table surveillance_findings (
      id uuid primary key,
      case_id uuid not null references surveillance_cases,
      dedupe_key text not null unique,
      rule text not null,
      score integer not null,
      summary text not null,
      figures jsonb not null,
      window_start timestamptz not null,
      window_end timestamptz not null,
      found_at timestamptz not null
    );

    -- The executions and orders that support a case, with their figures as they were when they were
    -- found; each once, with the first finding that names it.
    create table surveillance_evidence (
      case_id uuid not null references surveillance_cases,
      id bigint generated always as identity,
      finding_id uuid not null references surveillance_findings,
      subject text not null check (subject in ('order', 'execution')),
      subject_id uuid not null,
      account_id uuid,
      occurred_at timestamptz not null,
      figures jsonb not null,
      primary key (case_id, id),
      unique (case_id, subject, subject_id)
    );

    -- Who did what to a case, and why.
    create table case_events (
      case_id uuid not null references surveillance_cases,
      id bigint generated always as identity,
      actor_id uuid references clients,
      action text not null
        check (action in ('opened', 'finding_added', 'note_added', 'changed')),
      before jsonb,
      after jsonb,
      note text check (length(note) between 1 and 5000),
      occurred_at timestamptz not null,
      primary key (case_id, id)
    );
    comment on column case_events.actor_id is 'null: surveillance';

    select protect_append_only('surveillance_findings');
    select protect_append_only('surveillance_evidence');
    select protect_append_only('case_events');
    select protect_from_delete('surveillance_cases');
    grant select, insert, update (status, window_start, window_end, score, findings, assigned_to,
      resolution, version, updated_at, closed_at) on surveillance_cases to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table case_events, surveillance_evidence, surveillance_findings, surveillance_cases;
  `);
}
