import type { Knex } from 'knex';
import type { FaultList } from './faults.js';

const LISTED_MAX = 1_000;

/** Entries that the chain does not name: somebody turned the trigger off, or cut the chain. */
export async function findUnlinked(trx: Knex.Transaction, faults: FaultList): Promise<void> {
  const { rows } = await trx.raw<{ rows: { id: string }[] }>(`
    select e.id from public.audit_entries e
    where not exists (select from public.audit_chain c where c.entry_id = e.id)
    order by e.id limit ${LISTED_MAX}`);
  for (const { id } of rows) faults.add('unlinked', null, id, `no link names the entry ${id}`);
  const twice = await trx.raw<{ rows: { entry_id: string; seq: string }[] }>(`
    select entry_id, max(seq)::text as seq from public.audit_chain
    group by entry_id having count(*) > 1 order by entry_id limit ${LISTED_MAX}`);
  for (const { entry_id, seq } of twice.rows) {
    faults.add('duplicate', BigInt(seq), entry_id, `the entry ${entry_id} has more than one link`);
  }
}

/** Triggers by table; without them anybody who may write there could have. */
const TRIGGERS = [
  ['audit_entries', 'chained'],
  ['audit_entries', 'append_only'],
  ['audit_chain', 'append_only'],
  ['audit_head', 'never_deleted'],
] as const;

/**
 * Finds the triggers that are off or gone.
 * @throws Error when what should be a table is none: a view can show anything
 */
export async function findUnprotected(trx: Knex.Transaction, faults: FaultList): Promise<void> {
  const { rows } = await trx.raw<{ rows: { name: string; kind: string; triggers: string[] }[] }>(`
    select c.relname::text as name, c.relkind::text as kind, array(
      select t.tgname::text from pg_catalog.pg_trigger t
      where t.tgrelid = c.oid and t.tgenabled in ('O', 'A')) as triggers
    from pg_catalog.pg_class c
    where c.relnamespace = 'public'::regnamespace
      and c.relname in ('audit_entries', 'audit_chain', 'audit_head')`);
  for (const [table, trigger] of TRIGGERS) {
    const found = rows.find(({ name }) => name === table);
    if (found?.kind !== 'r') throw new Error(`${table} is not a table of this database`);
    if (found.triggers.includes(trigger)) continue;
    const message = `the trigger ${trigger} of ${table} is off or gone: its rows can be changed`;
    faults.add('unprotected', null, null, message);
  }
}
