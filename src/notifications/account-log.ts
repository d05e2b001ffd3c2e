import type { Knex } from 'knex';
import type { Told } from './events.js';

/** Something for an account's log that is not about an order. */
export interface AccountTold {
  readonly accountId: string;
  readonly told: Told;
}

const LOCK = `
  select id, last_event_id as "lastEventId" from accounts
  where id = any(:ids::uuid[]) order by id for no key update`;

const COUNT_UP = `
  update accounts a set last_event_id = u.last_event_id
  from unnest(:ids::uuid[], :last::bigint[]) as u (id, last_event_id) where a.id = u.id`;

const INSERT = `
  insert into account_events (account_id, event_id, type, data, occurred_at)
  select e.account_id, e.event_id, e.type, e.data, :at::timestamptz
  from jsonb_to_recordset(:rows::jsonb)
    as e (account_id uuid, event_id bigint, type text, data jsonb)`;

/**
 * Adds lines to accounts' logs, in the transaction of the facts: webhooks and streams read them there.
 * Locks the accounts, in their order.
 * @returns the event ids, in the order of what was given
 */
export async function recordAccountEvents(
  trx: Knex.Transaction,
  lines: readonly AccountTold[],
  at: Date,
): Promise<bigint[]> {
  if (lines.length === 0) return [];
  const ids = [...new Set(lines.map(({ accountId }) => accountId))];
  const locked = await trx.raw<{ rows: { id: string; lastEventId: bigint }[] }>(LOCK, { ids });
  const last = new Map(locked.rows.map(({ id, lastEventId }) => [id, lastEventId]));
  const eventIds = lines.map(({ accountId }) => {
    const next = last.get(accountId)! + 1n;
    last.set(accountId, next);
    return next;
  });
  const rows = lines.map(({ accountId, told }, index) => ({
    account_id: accountId,
    event_id: eventIds[index]!.toString(),
    type: told.event,
    data: told.data,
  }));
  await trx.raw(COUNT_UP, { ids: [...last.keys()], last: [...last.values()].map(String) });
  await trx.raw(INSERT, { rows: JSON.stringify(rows), at });
  return eventIds;
}
