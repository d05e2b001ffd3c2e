import type { Client } from 'pg';

/** What tells two ledgers apart. */
export interface LedgerHash {
  readonly journals: number;
  readonly postings: number;
  /** SHA-256 in hex over all journals and their postings, in order. */
  readonly hash: string;
}

/**
 * Over every journal with its kind and time and every posting with its line, account, asset and amount:
 * the same for the same ledger on any server, in any time zone. In three steps, journal, part and whole,
 * as the text of all postings would be larger than a value may be. A journal without postings counts,
 * and so do postings without a journal.
 */
const HASH = `
  with entries as (
    select coalesce(j.id, p.journal_id) as id, count(p.line) as postings,
      sha256(convert_to(coalesce(j.kind, '-') || '|' ||
        coalesce(extract(epoch from j.created_at)::text, '-') || '|' ||
        coalesce(string_agg(
          p.line || ':' || p.account_id || ':' || p.asset_id || ':' || p.amount, ',' order by p.line
        ), '-'), 'UTF8')) as hash
    from journals j full join postings p on p.journal_id = j.id
    group by j.id, p.journal_id, j.kind, j.created_at
  ), parts as (
    select right(id::text, 3) as part, count(*) as journals, sum(postings) as postings,
      sha256(string_agg(uuid_send(id) || hash, ''::bytea order by id)) as hash
    from entries group by 1
  )
  select coalesce(sum(journals), 0)::text as journals, coalesce(sum(postings), 0)::text as postings,
    encode(sha256(coalesce(string_agg(hash, ''::bytea order by part), ''::bytea)), 'hex') as hash
  from parts`;

/** Of what the client's transaction sees. Reads the whole ledger: some seconds for a million postings. */
export async function hashLedger(client: Client): Promise<LedgerHash> {
  const { rows } = await client.query<Record<keyof LedgerHash, string>>(HASH);
  const { journals, postings, hash } = rows[0]!;
  return { journals: Number(journals), postings: Number(postings), hash };
}
