import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- What shares cost that came in without a trade: known to whoever posts them, and needed to
    -- recompute a position's cost basis as of any moment.
    alter table account_journals add column cost bigint;
    comment on column account_journals.cost is
      'what the line added to the cost basis of a position, in 10^-4 USD; null: nothing';

    -- Of what was posted before, exact where nothing was traded since; otherwise by the average cost
    -- of what is there now.
    alter table account_journals disable trigger append_only;
    update account_journals l
    set cost = trunc(p.amount::numeric * h.cost_basis / h.qty)
    from postings p
    join positions h on h.account_id = p.account_id and h.asset_id = p.asset_id
    where p.journal_id = l.journal_id and p.line = l.line and p.amount > 0
      and h.qty > 0 and h.cost_basis > 0;
    alter table account_journals enable trigger append_only;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table account_journals drop column cost');
}
