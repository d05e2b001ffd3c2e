import type { Knex } from 'knex';
import { FINDING_KINDS } from '../domain/surveillance.js';

/** Permanent strings, they are in the database. `other` is opened by hand only. */
export const CASE_KINDS = [...FINDING_KINDS, 'other'] as const;
export type CaseKind = (typeof CASE_KINDS)[number];

export const CASE_STATUSES = ['open', 'under_review', 'escalated', 'closed'] as const;
export type CaseStatus = (typeof CASE_STATUSES)[number];

/** What a closed case came to; `reported` is to the authorities. */
export const RESOLUTIONS = [
  'false_positive',
  'no_action',
  'warning',
  'restricted',
  'reported',
] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

export interface CaseRow {
  id: string;
  kind: CaseKind;
  status: CaseStatus;
  account_ids: string[];
  asset_id: string | null;
  window_start: Date;
  window_end: Date;
  score: number;
  summary: string;
  findings: number;
  opened_by: string | null;
  assigned_to: string | null;
  resolution: Resolution | null;
  version: number;
  opened_at: Date;
  updated_at: Date;
  closed_at: Date | null;
}

export interface ListedCase extends CaseRow {
  symbol: string | null;
}

export interface EvidenceRow {
  id: bigint;
  finding_id: string;
  rule: string;
  subject: 'order' | 'execution';
  subject_id: string;
  account_id: string | null;
  occurred_at: Date;
  figures: Record<string, unknown>;
}

/** What a case is about, as one text. */
export const subjectOf = (accountIds: readonly string[], assetId: string | null): string =>
  `${[...accountIds].sort().join(',')} ${assetId ?? ''}`.trim();

const cases = (knex: Knex) =>
  knex('surveillance_cases')
    .leftJoin('assets', 'assets.id', 'surveillance_cases.asset_id')
    .select<ListedCase[]>('surveillance_cases.*', 'assets.symbol');

export const findCase = async (knex: Knex, id: string): Promise<ListedCase | undefined> =>
  (await cases(knex).where('surveillance_cases.id', id))[0];

/** Nobody else changes the case until the transaction has ended. */
export const lockCase = async (
  trx: Knex.Transaction,
  id: string,
): Promise<ListedCase | undefined> =>
  (await cases(trx).where('surveillance_cases.id', id).forNoKeyUpdate('surveillance_cases'))[0];

export interface CaseFilter {
  readonly kind?: CaseKind;
  readonly status?: CaseStatus;
  readonly account_id?: string;
  readonly asset_id?: string;
  readonly after?: Date;
  readonly until?: Date;
  /** Only older ones than this id. */
  readonly page_token?: string;
  readonly limit: number;
}

/** A page of the cases, the one that was opened last first. */
export async function listCases(knex: Knex, filter: CaseFilter): Promise<ListedCase[]> {
  const query = cases(knex).orderBy('surveillance_cases.id', 'desc').limit(filter.limit);
  if (filter.kind) void query.where('kind', filter.kind);
  if (filter.status) void query.where('surveillance_cases.status', filter.status);
  if (filter.account_id) void query.whereRaw('account_ids @> array[?::uuid]', [filter.account_id]);
  if (filter.asset_id) void query.where('asset_id', filter.asset_id);
  if (filter.after) void query.where('opened_at', '>', filter.after);
  if (filter.until) void query.where('opened_at', '<', filter.until);
  if (filter.page_token) void query.where('surveillance_cases.id', '<', filter.page_token);
  return await query;
}

/** A page of a case's evidence, in the order in which it was found. @param afterId only later ones */
export async function listEvidence(
  knex: Knex,
  caseId: string,
  { limit, page_token: afterId }: { limit: number; page_token?: string },
): Promise<EvidenceRow[]> {
  const query = knex('surveillance_evidence as e')
    .join('surveillance_findings as f', 'f.id', 'e.finding_id')
    .where('e.case_id', caseId)
    .orderBy('e.id')
    .limit(limit)
    .select<EvidenceRow[]>('e.*', 'f.rule');
  if (afterId !== undefined) void query.where('e.id', '>', afterId);
  return await query;
}

/** How many cases of each kind are not closed. */
export async function countUnclosed(knex: Knex): Promise<Map<CaseKind, number>> {
  const rows = await knex('surveillance_cases')
    .whereNot('status', 'closed')
    .groupBy('kind')
    .count('* as count')
    .select<{ kind: CaseKind; count: bigint }[]>('kind');
  const counts = new Map<CaseKind, number>(CASE_KINDS.map((kind) => [kind, 0]));
  for (const { kind, count } of rows) counts.set(kind, Number(count));
  return counts;
}
