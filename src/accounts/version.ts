import { Batch } from '../batch.js';
import type { Database, Statement } from '../db.js';

/**
 * $1 account ids. Whatever changes an account's money, holds or shares writes its row in the same
 * transaction (orders, executions, journals, withdrawals), and no two transactions leave the same
 * xmin on it. What is shown beside the row but kept elsewhere stands here as it is. Every part is
 * found by an index.
 */
const READ_VERSIONS: Statement = {
  name: 'accounts-read-versions',
  text: `select a.id, concat(a.xmin, ' ', c.status, ' ', s.suspend_trade, ' ', pending.incoming, ' ',
      pending.outgoing, ' ', exists (
        select from trading_blocks b
        where b.kind = 'restrict' and b.scope = 'account' and b.target = a.id
      )) as version
    from accounts a
    left join clients c on c.id = a.client_id
    left join account_configurations s on s.account_id = a.id
    cross join lateral (
      select sum(t.amount) filter (where t.direction = 'incoming') as incoming,
        sum(t.amount) filter (where t.direction = 'outgoing') as outgoing
      from transfers t
      where t.account_id = a.id and t.status in ('queued', 'sent')
    ) as pending
    where a.id = any($1::uuid[])`,
};

/** A text that is another one after every committed change of the account; null: no such account. */
export type AccountVersion = (accountId: string) => Promise<string | null>;

/**
 * Reads versions from Postgres, those of all who ask at the same moment with one statement. It covers
 * what the account itself, its positions and its transfers say, not the prices that they are valued at.
 */
export function accountVersions(db: Pick<Database, 'run'>): AccountVersion {
  const batch = new Batch(async (accountIds) => {
    const rows = await db.run<{ id: string; version: string }>(READ_VERSIONS, [accountIds]);
    const versions = new Map(rows.map(({ id, version }) => [id, version]));
    return accountIds.map((id) => versions.get(id) ?? null);
  });
  return (accountId) => batch.ask(accountId);
}
