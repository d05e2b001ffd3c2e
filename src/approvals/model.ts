import type { Knex } from 'knex';
import type { Subject } from '../audit/record.js';
import type { Payload } from './kinds.js';

export const APPROVAL_STATUSES = [
  'pending',
  'approved',
  'rejected',
  'withdrawn',
  'expired',
  'failed',
] as const;
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];

/** What somebody asked for, and what became of it. */
export interface Approval {
  readonly id: string;
  readonly kind: string;
  readonly payload: Payload;
  readonly subject: Subject;
  readonly summary: string;
  readonly requested_by: string;
  readonly reason: string;
  readonly status: ApprovalStatus;
  readonly decided_by: string | null;
  readonly decision_reason: string | null;
  /** Why it could not be done, of one that failed. */
  readonly failure: string | null;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly decided_at: Date | null;
  readonly version: number;
}

export interface ApprovalFilter {
  readonly status?: ApprovalStatus;
  readonly kind?: string;
  /** Only older ones than this id. */
  readonly page_token?: string;
  readonly limit: number;
}

/** A page of the approvals, newest first. */
export async function listApprovals(knex: Knex, filter: ApprovalFilter): Promise<Approval[]> {
  const query = knex('approvals').orderBy('id', 'desc').limit(filter.limit).select<Approval[]>('*');
  if (filter.status) void query.where({ status: filter.status });
  if (filter.kind) void query.where({ kind: filter.kind });
  if (filter.page_token) void query.where('id', '<', filter.page_token);
  return await query;
}

export const findApproval = async (knex: Knex, id: string): Promise<Approval | undefined> =>
  await knex('approvals').where({ id }).first<Approval | undefined>('*');

/** Nobody else decides about it until this transaction has ended. */
export const lockApproval = async (
  trx: Knex.Transaction,
  id: string,
): Promise<Approval | undefined> =>
  await trx('approvals').where({ id }).forUpdate().first<Approval | undefined>('*');

export async function insertApproval(
  trx: Knex.Transaction,
  approval: Pick<
    Approval,
    | 'id'
    | 'kind'
    | 'payload'
    | 'subject'
    | 'summary'
    | 'requested_by'
    | 'reason'
    | 'created_at'
    | 'expires_at'
  >,
): Promise<Approval> {
  const [row] = await trx('approvals').insert(approval).returning<Approval[]>('*');
  return row!;
}

export type Decision = Pick<Approval, 'decided_at' | 'status'> &
  Partial<Pick<Approval, 'decided_by' | 'decision_reason' | 'failure' | 'result'>>;

export async function writeDecision(
  trx: Knex.Transaction,
  { id, version }: Approval,
  decision: Decision,
): Promise<Approval> {
  const [row] = await trx('approvals')
    .where({ id })
    .update({ ...decision, version: version + 1 })
    .returning<Approval[]>('*');
  return row!;
}

/** Those whose time is over and that nobody decided about; locked, without those locked already. */
export const lockOverdue = async (
  trx: Knex.Transaction,
  now: Date,
  limit: number,
): Promise<Approval[]> =>
  await trx('approvals')
    .where({ status: 'pending' })
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .select<Approval[]>('*');
