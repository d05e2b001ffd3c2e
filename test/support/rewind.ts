import type { Trading } from './trading.js';

/**
 * Makes everything that has happened so far older, its ids (UUID version 7) too: a test cannot wait
 * for tomorrow. By whole days, so that what closed at a midnight closed at another.
 */
export const rewind = (trading: Trading, days: number): Promise<void> =>
  trading.asOwner(`
    set session_replication_role = replica; -- no triggers: the past is append-only
    create or replace function pg_temp.older(id uuid) returns uuid language sql immutable as $$
      select (lpad(to_hex(('x' || substr(hex, 1, 12))::bit(48)::bigint - ${days * 86_400_000}),
        12, '0') || substr(hex, 13))::uuid from (select replace(id::text, '-', '') as hex) as text
    $$;
    ${update('journals', { id: 'id', time: 'created_at' }, days)};
    ${update('postings', { id: 'journal_id' }, days)};
    ${update('executions', { id: 'id', time: 'executed_at' }, days)};
    ${update('account_events', { id: 'execution_id', time: 'occurred_at' }, days)};
    ${update('account_journals', { id: 'journal_id' }, days)};
    ${update('accounts', { time: 'created_at' }, days)};
    ${update('market_prices', { time: 'last_trade_at' }, days)};
    ${update('market_prices', { time: 'closed_at' }, days)};
    ${update('statements', { time: 'opens_at' }, days)};
    ${update('statements', { time: 'closes_at', day: 'day' }, days)};
    ${update('closing_prices', { time: 'closes_at', day: 'day' }, days)};
    ${update('ends_of_day', { time: 'closes_at', day: 'day' }, days)};
  `);

function update(
  table: string,
  { id, time, day }: { id?: string; time?: string; day?: string },
  days: number,
): string {
  const sets = [
    id && `${id} = pg_temp.older(${id})`,
    time && `${time} = ${time} - interval '${days} days'`,
    day && `${day} = ${day} - ${days}`,
  ].filter(Boolean);
  return `update ${table} set ${sets.join(', ')}`;
}
