import type { Knex } from 'knex';
import { actionsShownToClients, type AuditAction } from './actions.js';
import { GENESIS } from './chain.js';

/** An entry as it was written. */
export interface AuditContent {
  readonly id: string;
  readonly occurred_at: string;
  readonly action: AuditAction;
  readonly actor: {
    readonly kind: string;
    readonly client_id: string | null;
    readonly role?: string | null;
    readonly credential?: string | null;
  };
  readonly origin: {
    readonly ip: string | null;
    readonly user_agent?: string | null;
    readonly request_id: string | null;
  };
  readonly subject: Readonly<Record<string, string | null>>;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  readonly reason: string | null;
}

/** An entry with its place in the chain. */
export interface AuditEntry extends AuditContent {
  readonly seq: bigint;
  readonly hash: Buffer;
}

export interface AuditFilter {
  readonly actions?: readonly AuditAction[];
  readonly actor_id?: string;
  readonly client_id?: string;
  readonly account_id?: string;
  readonly symbol?: string;
  readonly ip?: string;
  readonly request_id?: string;
  readonly after?: Date;
  readonly until?: Date;
  /** Only older ones than this id. */
  readonly page_token?: string;
  readonly limit: number;
}

const SEARCHED = ['actor_id', 'client_id', 'account_id', 'symbol', 'ip', 'request_id'] as const;

/** A page of the log, newest first. */
export async function listEntries(knex: Knex, filter: AuditFilter): Promise<AuditEntry[]> {
  const query = knex('audit_entries as e')
    .join('audit_chain as c', 'c.entry_id', 'e.id')
    .orderBy('e.id', 'desc')
    .limit(filter.limit)
    .select<EntryRow[]>('e.content', 'c.seq', 'c.hash');
  if (filter.actions) void query.whereIn('e.action', filter.actions);
  for (const column of SEARCHED) {
    if (filter[column] !== undefined) void query.where(`e.${column}`, filter[column]);
  }
  if (filter.after) void query.where('e.occurred_at', '>', filter.after.toISOString());
  if (filter.until) void query.where('e.occurred_at', '<', filter.until.toISOString());
  if (filter.page_token) void query.where('e.id', '<', filter.page_token);
  return (await query).map(entryOf);
}

interface EntryRow {
  content: string;
  seq: bigint;
  hash: Buffer;
}

const entryOf = ({ content, seq, hash }: EntryRow): AuditEntry => ({
  ...(JSON.parse(content) as AuditContent),
  seq,
  hash,
});

/** An entry with what its hash was computed from. */
export interface ProvableEntry extends AuditEntry {
  /** The text that was hashed, byte for byte. */
  readonly content: string;
  readonly previous_hash: Buffer;
}

/** One entry; undefined when there is none. */
export async function findEntry(knex: Knex, id: string): Promise<ProvableEntry | undefined> {
  const row = await knex('audit_entries as e')
    .join('audit_chain as c', 'c.entry_id', 'e.id')
    .leftJoin('audit_chain as p', 'p.seq', knex.raw('c.seq - 1'))
    .where('e.id', id)
    .first<(EntryRow & { previous: Buffer | null }) | undefined>(
      'e.content',
      'c.seq',
      'c.hash',
      'p.hash as previous',
    );
  if (!row) return undefined;
  const { content, previous } = row;
  return { ...entryOf(row), content, previous_hash: previous ?? GENESIS.hash };
}

/** A page of what a client may read about themselves, newest first. */
export const listOwnEntries = (
  knex: Knex,
  clientId: string,
  filter: Pick<AuditFilter, 'after' | 'until' | 'page_token' | 'limit'>,
): Promise<AuditEntry[]> =>
  listEntries(knex, { ...filter, client_id: clientId, actions: actionsShownToClients });
