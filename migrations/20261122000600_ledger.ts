import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table journals (
      id uuid primary key,
      kind text not null check (kind in ('trade', 'opening', 'deposit', 'withdrawal', 'adjustment')),
      created_at timestamptz not null
    );

    -- Signed amounts: 10^-4 for the currency, 10^-9 units for everything else. A positive amount
    -- adds to what the account has.
    create table postings (
      journal_id uuid not null,
      line smallint not null,
      account_id uuid not null,
      asset_id uuid not null,
      amount bigint not null check (amount <> 0),
      primary key (journal_id, line)
    );

    -- Double entry: what one statement posts must sum to zero per journal and asset. Checked once a
    -- statement over its new rows, which is cheap for a bulk insert and stricter than at commit.
    create function check_postings_balance() returns trigger language plpgsql as $$
    declare
      off record;
    begin
      select journal_id, asset_id, sum(amount) as total into off
      from posted group by journal_id, asset_id having sum(amount) <> 0 limit 1;
      if found then
        raise exception 'journal % does not balance: asset % is off by %',
          off.journal_id, off.asset_id, off.total using errcode = 'check_violation';
      end if;
      return null;
    end $$;
    create trigger postings_balance after insert on postings
      referencing new table as posted
      for each statement execute function check_postings_balance();

    -- The share balances, kept in the same transaction as the postings they sum up (cash is in
    -- accounts). External accounts have none: they are the world outside.
    create table positions (
      account_id uuid not null references accounts,
      asset_id uuid not null references assets,
      qty bigint not null default 0,
      held bigint not null default 0 check (held >= 0),
      cost_basis bigint not null default 0,
      primary key (account_id, asset_id),
      check (qty >= held)
    ) with (fillfactor = 50);

    select references_by_statement('postings', 'journal_id', 'journals');
    select references_by_statement('postings', 'account_id', 'accounts');
    select references_by_statement('postings', 'asset_id', 'assets');
    select protect_append_only('journals');
    select protect_append_only('postings');
    grant select, insert, update (qty, held, cost_basis) on positions to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table positions, postings, journals;
    drop function check_postings_balance(), postings_journal_id_reference(),
      postings_account_id_reference(), postings_asset_id_reference();
  `);
}
