import type { Knex } from 'knex';
import { newId } from '../ids.js';
import { EXTERNAL_ACCOUNTS, USD } from './house.js';

export interface JournalLine {
  accountId: string;
  assetId: string;
  /** Signed: 10^-4 USD for the currency, 10^-9 units for everything else. */
  amount: bigint;
  /** What shares that come in cost, in 10^-4 USD; for the position's cost basis. */
  cost?: bigint;
}

export interface JournalEntry {
  kind: 'opening' | 'deposit' | 'withdrawal' | 'adjustment' | 'reversal';
  /** Sum to zero per asset; the database refuses anything else. */
  lines: JournalLine[];
}

/** A line with its place in the ledger. */
interface PostedLine extends JournalLine {
  journalId: string;
  index: number;
}

interface PositionChange {
  accountId: string;
  assetId: string;
  qty: bigint;
  cost: bigint;
}

/**
 * Posts journals and brings the balances in line with them, in the caller's transaction: positions
 * first, then accounts, each sorted (the global lock order). For everything but trades, which the
 * execution pass posts in bulk with statements of its own.
 * @returns the journals' ids, in the order of the entries
 * @throws the database's check violation when an entry does not balance or a balance would not do
 */
export async function postJournals(
  trx: Knex.Transaction,
  entries: readonly JournalEntry[],
): Promise<string[]> {
  const now = new Date();
  const journals = entries.map((entry) => ({ id: newId(), entry }));
  const lines = journals.flatMap(({ id, entry }) =>
    entry.lines.map((line, index) => ({ ...line, journalId: id, index })),
  );
  await trx.raw(
    `insert into journals (id, kind, created_at)
     select id, kind, ? from unnest(?::uuid[], ?::text[]) as u (id, kind)`,
    [now, journals.map(({ id }) => id), journals.map(({ entry }) => entry.kind)],
  );
  await trx.raw(
    `insert into postings (journal_id, line, account_id, asset_id, amount)
     select * from unnest(?::uuid[], ?::int2[], ?::uuid[], ?::uuid[], ?::bigint[])`,
    [
      lines.map(({ journalId }) => journalId),
      lines.map(({ index }) => index),
      lines.map(({ accountId }) => accountId),
      lines.map(({ assetId }) => assetId),
      lines.map(({ amount }) => String(amount)),
    ],
  );
  await applyToPositions(trx, lines);
  await lockAccounts(trx, lines);
  await applyToAccounts(trx, lines);
  await listForAccounts(trx, lines);
  return journals.map(({ id }) => id);
}

async function applyToPositions(
  trx: Knex.Transaction,
  lines: readonly JournalLine[],
): Promise<void> {
  const changes = new Map<string, PositionChange>();
  for (const { accountId, assetId, amount, cost } of lines) {
    if (assetId === USD || EXTERNAL_ACCOUNTS.has(accountId)) continue;
    const change = changes.get(accountId + assetId) ?? { accountId, assetId, qty: 0n, cost: 0n };
    change.qty += amount;
    change.cost += cost ?? 0n;
    changes.set(accountId + assetId, change);
  }
  const rows = [...changes.values()];
  if (rows.length === 0) return;
  const accountIds = rows.map(({ accountId }) => accountId);
  const assetIds = rows.map(({ assetId }) => assetId);
  await openPositions(trx, accountIds, assetIds);
  await trx.raw(
    `update positions p set qty = p.qty + u.qty, cost_basis = p.cost_basis + u.cost
     from unnest(?::uuid[], ?::uuid[], ?::bigint[], ?::bigint[])
       as u (account_id, asset_id, qty, cost)
     where p.account_id = u.account_id and p.asset_id = u.asset_id`,
    [
      accountIds,
      assetIds,
      rows.map(({ qty }) => String(qty)),
      rows.map(({ cost }) => String(cost)),
    ],
  );
}

/** All of them are there and locked afterwards, in the global order. */
async function openPositions(
  trx: Knex.Transaction,
  accountIds: string[],
  assetIds: string[],
): Promise<void> {
  const wanted = 'unnest(?::uuid[], ?::uuid[]) as u (account_id, asset_id)';
  await trx.raw(
    `insert into positions (account_id, asset_id) select * from ${wanted}
     order by account_id, asset_id on conflict do nothing`,
    [accountIds, assetIds],
  );
  await trx.raw(
    `select from positions where (account_id, asset_id) in (select * from ${wanted})
     order by account_id, asset_id for no key update`,
    [accountIds, assetIds],
  );
}

/** Writes the accounts' rows also where only shares move: that is how caches see a change. */
async function applyToAccounts(
  trx: Knex.Transaction,
  lines: readonly JournalLine[],
): Promise<void> {
  const changes = new Map<string, bigint>();
  for (const { accountId, assetId, amount } of lines) {
    if (EXTERNAL_ACCOUNTS.has(accountId)) continue;
    const cash = assetId === USD ? amount : 0n;
    changes.set(accountId, (changes.get(accountId) ?? 0n) + cash);
  }
  if (changes.size === 0) return;
  const ids = [...changes.keys()];
  await trx.raw(
    `update accounts a set cash = a.cash + u.amount
     from unnest(?::uuid[], ?::bigint[]) as u (id, amount) where a.id = u.id`,
    [ids, [...changes.values()].map(String)],
  );
}

/** All of them, also where only shares move: their last event number must stand still. */
async function lockAccounts(trx: Knex.Transaction, lines: readonly JournalLine[]): Promise<void> {
  const ids = [...new Set(lines.map(({ accountId }) => accountId))];
  await trx.raw(
    `select id from accounts where id = any(?::uuid[]) and kind <> 'external'
     order by id for no key update`,
    [ids],
  );
}

/** Gives clients' lines their place among what happened on the account, for its activities. */
async function listForAccounts(trx: Knex.Transaction, lines: readonly PostedLine[]): Promise<void> {
  await trx.raw(
    `insert into account_journals (account_id, event_id, seq, journal_id, line, cost)
     select u.account_id, a.last_event_id,
       coalesce((select max(j.seq) + 1 from account_journals j
                 where j.account_id = a.id and j.event_id = a.last_event_id), 0)
         + row_number() over (partition by a.id order by u.journal_id, u.line) - 1,
       u.journal_id, u.line, nullif(u.cost, 0)
     from unnest(?::uuid[], ?::uuid[], ?::int2[], ?::bigint[])
       as u (account_id, journal_id, line, cost)
     join accounts a on a.id = u.account_id and a.kind = 'client'`,
    [
      lines.map(({ accountId }) => accountId),
      lines.map(({ journalId }) => journalId),
      lines.map(({ index }) => index),
      lines.map(({ cost }) => String(cost ?? 0n)),
    ],
  );
}
