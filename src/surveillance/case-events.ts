import type { Knex } from 'knex';

export const CASE_ACTIONS = ['opened', 'finding_added', 'note_added', 'changed'] as const;
export type CaseAction = (typeof CASE_ACTIONS)[number];

/** Something that was done to a case. */
export interface CaseEventDraft {
  /** Null: surveillance. */
  readonly actor: string | null;
  readonly action: CaseAction;
  /** What changed of the case, as the API shows it. */
  readonly before?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly note?: string;
  readonly now: Date;
}

export interface CaseEventRow {
  id: bigint;
  actor_id: string | null;
  action: CaseAction;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  note: string | null;
  occurred_at: Date;
}

/** Records what was done; in the transaction that does it. */
export async function addCaseEvent(
  trx: Knex.Transaction,
  caseId: string,
  { actor, action, before, after, note, now }: CaseEventDraft,
): Promise<CaseEventRow> {
  const [row] = await trx('case_events')
    .insert({
      case_id: caseId,
      actor_id: actor,
      action,
      before: before ?? null,
      after: after ?? null,
      note: note ?? null,
      occurred_at: now,
    })
    .returning<CaseEventRow[]>('*');
  return row!;
}

/** A page of a case's history, the oldest first. @param afterId only later ones */
export async function listCaseEvents(
  knex: Knex,
  caseId: string,
  { limit, page_token: afterId }: { limit: number; page_token?: string },
): Promise<CaseEventRow[]> {
  const query = knex('case_events').where('case_id', caseId).orderBy('id').limit(limit);
  if (afterId !== undefined) void query.where('id', '>', afterId);
  return (await query) as CaseEventRow[];
}

export const presentCaseEvent = (row: CaseEventRow) => ({
  id: row.id.toString(),
  actor_id: row.actor_id,
  action: row.action,
  before: row.before,
  after: row.after,
  note: row.note,
  occurred_at: row.occurred_at.toISOString(),
});
