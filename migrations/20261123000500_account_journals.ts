import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- A client's postings that are no trade's (deposits, openings, adjustments), in the one order of
    -- everything that happened on the account: each comes after the event that was the last one when
    -- it was posted. Found by account without an index on postings, which every trade would pay for.
    create table account_journals (
      account_id uuid not null,
      event_id bigint not null check (event_id >= 0),
      seq integer not null check (seq between 0 and 268435455),
      journal_id uuid not null,
      line smallint not null,
      primary key (account_id, event_id, seq)
    );
    comment on column account_journals.event_id is 'the account''s last event at that time';

    insert into account_journals (account_id, event_id, seq, journal_id, line)
    select account_id, event_id,
      row_number() over (partition by account_id, event_id order by journal_id, line) - 1,
      journal_id, line
    from (
      select p.account_id, p.journal_id, p.line,
        (select coalesce(max(e.event_id), 0) from account_events e
         where e.account_id = p.account_id and e.occurred_at <= j.created_at) as event_id
      from journals j
      join postings p on p.journal_id = j.id
      join accounts a on a.id = p.account_id and a.kind = 'client'
      where j.kind <> 'trade'
    ) as posted;

    select references_by_statement('account_journals', 'account_id', 'accounts');
    select references_by_statement('account_journals', 'journal_id', 'journals');
    select protect_append_only('account_journals');

    -- The first event of an account at or after a moment; one past its last when there is none. Event
    -- ids have no gaps and follow time (but for a moment's difference between two machines' clocks),
    -- so a search by halves finds it in the primary key.
    create function first_event_at(account uuid, moment timestamptz)
    returns bigint language plpgsql stable as $$
    declare
      low bigint := 1;
      high bigint;
      middle bigint;
      occurred timestamptz;
    begin
      select coalesce(max(event_id), 0) + 1 into high from account_events
      where account_id = account;
      while low < high loop
        middle := (low + high) / 2;
        select occurred_at into occurred from account_events
        where account_id = account and event_id = middle;
        if occurred < moment then low := middle + 1; else high := middle; end if;
      end loop;
      return low;
    end $$;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop function first_event_at(uuid, timestamptz);
    drop table account_journals;
    drop function account_journals_account_id_reference(),
      account_journals_journal_id_reference();
  `);
}
