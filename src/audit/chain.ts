import { createHash } from 'node:crypto';
import type { Knex } from 'knex';

/** A place in the chain: its number and the hash over everything up to it. */
export interface Link {
  readonly seq: bigint;
  readonly hash: Buffer;
}

/** What stands before the first entry. */
export const GENESIS: Link = { seq: 0n, hash: createHash('sha256').digest() };

/**
 * The hash of the link after `previous`, as the database computes it: SHA-256 over the hash before it,
 * its number (8 bytes, big-endian) and the bytes of the entry's text.
 */
export function hashAfter(previous: Link, content: string): Buffer {
  const number = Buffer.alloc(8);
  number.writeBigInt64BE(previous.seq + 1n);
  const text = Buffer.from(content, 'utf8');
  return createHash('sha256').update(previous.hash).update(number).update(text).digest();
}

/** A link with the entry that it names; the entry's members are null when that is not there. */
export interface LinkedRow {
  readonly seq: string;
  readonly entry_id: string;
  readonly hash: Buffer;
  readonly id: string | null;
  readonly content: string | null;
  readonly columns: Readonly<Record<GeneratedColumn, string | null>> | null;
}

/** Where each column that is generated from the text has its value there. */
export const GENERATED_COLUMNS = {
  action: ['action'],
  actor_id: ['actor', 'client_id'],
  client_id: ['subject', 'client_id'],
  account_id: ['subject', 'account_id'],
  symbol: ['subject', 'symbol'],
  ip: ['origin', 'ip'],
  request_id: ['origin', 'request_id'],
  occurred_at: ['occurred_at'],
} as const;
export type GeneratedColumn = keyof typeof GENERATED_COLUMNS;

/** Of text that is at most 256 kB a row. */
const PAGE_ROWS = 500;

const COLUMNS_AS_JSON = `jsonb_build_object(${Object.keys(GENERATED_COLUMNS)
  .map((name) => `'${name}', e.${name}`)
  .join(', ')})`;

/**
 * Reads the chain behind a link, page by page, in its order. By a cursor: a link of the same number as
 * another is neither left out nor read twice, whatever has become of the keys.
 * @param trx one snapshot
 */
export async function* readChain(
  trx: Knex.Transaction,
  behind: bigint,
): AsyncGenerator<LinkedRow[]> {
  await trx.raw(`declare audit_walk no scroll cursor for
    select c.seq::text as seq, c.entry_id, c.hash, e.id, e.content, ${COLUMNS_AS_JSON} as columns
    from public.audit_chain c left join public.audit_entries e on e.id = c.entry_id
    where c.seq > ${behind.toString()} order by c.seq, c.entry_id`);
  for (;;) {
    const page = await trx.raw<{ rows: LinkedRow[] }>(`fetch ${PAGE_ROWS} from audit_walk`);
    if (page.rows.length === 0) break;
    yield page.rows;
  }
  await trx.raw('close audit_walk');
}

/** The last link as the database keeps it for the next one; absent when its row is gone. */
export async function readHead(knex: Knex): Promise<Link | undefined> {
  const { rows } = await knex.raw<{ rows: { seq: string; hash: Buffer }[] }>(
    'select seq::text as seq, hash from public.audit_head order by seq limit 1',
  );
  const [row] = rows;
  return row && { seq: BigInt(row.seq), hash: row.hash };
}

/** The hashes of these links, by number; those that are not there are left out. */
export async function readLinks(knex: Knex, seqs: readonly bigint[]): Promise<Map<bigint, Buffer>> {
  const { rows } = await knex.raw<{ rows: { seq: string; hash: Buffer }[] }>(
    'select seq::text as seq, hash from public.audit_chain where seq = any(?::bigint[])',
    [`{${seqs.join(',')}}`],
  );
  return new Map(rows.map(({ seq, hash }) => [BigInt(seq), hash]));
}
