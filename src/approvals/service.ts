import type { Knex } from 'knex';
import type { AuditAction } from '../audit/actions.js';
import { recordAct, type Actor } from '../audit/record.js';
import { DomainError, forbidden, notFound } from '../errors.js';
import type { AfterCommit } from '../http/idempotency.js';
import { isFinal } from '../http/request-keys.js';
import { newId } from '../ids.js';
import type { Role } from '../identity/principal.js';
import type { ApprovalKind, Payload } from './kinds.js';
import {
  insertApproval,
  lockApproval,
  writeDecision,
  type Approval,
  type Decision,
} from './model.js';

/** How long a request waits for a second person. */
const LIVES_MS = 24 * 60 * 60_000;

/** A member of staff, and why. */
export interface Author {
  readonly by: Actor;
  readonly reason: string;
}

export interface ApprovalsDeps {
  readonly kinds: readonly ApprovalKind[];
  readonly now: () => Date;
}

/**
 * Acts that take two people: one asks, another one decides, and what is approved is done in the very
 * transaction of the decision. So it is done once or not at all, and never by one person alone.
 */
export class Approvals {
  private readonly kinds: ReadonlyMap<string, ApprovalKind>;
  private readonly now: () => Date;

  constructor({ kinds, now }: ApprovalsDeps) {
    this.kinds = new Map(kinds.map((one) => [one.kind, one]));
    this.now = now;
  }

  /**
   * Asks for an act; it is done when somebody else approves it within 24 hours.
   * @param wanted what is to be done, checked already as far as it can be
   * @throws DomainError 403 for a role that may not ask for it
   */
  async request<Wanted extends Payload>(
    trx: Knex.Transaction,
    { kind }: Pick<ApprovalKind<Wanted>, 'kind'>,
    wanted: Wanted,
    { by, reason }: Author,
  ): Promise<Approval> {
    const rule = this.ruleOf(kind);
    requireOneOf(by.role, rule.requesters, 'ask for this');
    const now = this.now();
    const approval = await insertApproval(trx, {
      id: newId(),
      kind,
      payload: wanted,
      subject: rule.subjectOf(wanted),
      summary: rule.describe(wanted),
      requested_by: by.clientId!,
      reason,
      created_at: now,
      expires_at: new Date(now.getTime() + LIVES_MS),
    });
    await this.record(trx, 'approval.requested', approval, { by, reason }, null);
    return approval;
  }

  /**
   * Approves, and does what was asked for. When that cannot be done any more the approval has failed:
   * the decision stands, and a new request has to be made.
   * @throws DomainError 404; 403 for the requester, the person it is about or a role that may not;
   *   409 when it has been decided about or its time is over
   */
  async approve(
    trx: Knex.Transaction,
    id: string,
    author: Author,
    afterCommit: AfterCommit,
  ): Promise<Approval> {
    const approval = await this.take(trx, id);
    const rule = this.ruleOf(approval.kind);
    requireAnother(approval, author.by);
    requireOneOf(author.by.role, rule.approvers, 'approve this');
    const outcome = await this.attempt(trx, approval, author.by, afterCommit);
    const action = outcome.status === 'failed' ? 'approval.failed' : 'approval.approved';
    return this.decide(trx, action, approval, author, {
      ...outcome,
      decided_by: author.by.clientId,
      decision_reason: author.reason,
    });
  }

  /** Rejects: nothing is done. @throws DomainError as `approve` */
  async reject(trx: Knex.Transaction, id: string, author: Author): Promise<Approval> {
    const approval = await this.take(trx, id);
    requireAnother(approval, author.by);
    requireOneOf(author.by.role, this.ruleOf(approval.kind).approvers, 'reject this');
    return this.decide(trx, 'approval.rejected', approval, author, {
      status: 'rejected',
      decided_by: author.by.clientId,
      decision_reason: author.reason,
    });
  }

  /** Takes a request back; only who made it can. @throws DomainError 403, 404, 409 */
  async withdraw(trx: Knex.Transaction, id: string, author: Author): Promise<Approval> {
    const approval = await this.take(trx, id);
    if (approval.requested_by !== author.by.clientId) {
      throw forbidden('Only who asked for it can take it back; others approve or reject it');
    }
    return this.decide(trx, 'approval.withdrawn', approval, author, {
      status: 'withdrawn',
      decision_reason: author.reason,
    });
  }

  /** In a savepoint: an act that is refused half-way leaves nothing. */
  private async attempt(
    trx: Knex.Transaction,
    approval: Approval,
    by: Actor,
    afterCommit: AfterCommit,
  ): Promise<Pick<Decision, 'status' | 'result' | 'failure'>> {
    const { id: approvalId, requested_by: requestedBy, reason } = approval;
    const rule = this.ruleOf(approval.kind);
    const effects: (() => unknown)[] = [];
    try {
      await requireStillAllowed(trx, requestedBy, rule.requesters);
      const result = await trx.transaction((savepoint) =>
        rule.execute(
          savepoint,
          approval.payload,
          { by, reason, approvalId, requestedBy },
          (effect) => effects.push(effect),
        ),
      );
      for (const effect of effects) afterCommit(effect);
      return { status: 'approved', result };
    } catch (error) {
      if (!isFinal(error)) throw error;
      return { status: 'failed', failure: error.message };
    }
  }

  private async take(trx: Knex.Transaction, id: string): Promise<Approval> {
    const approval = await lockApproval(trx, id);
    if (!approval) throw notFound('approval');
    const { status, expires_at: expiresAt } = approval;
    if (status !== 'pending') throw decided(`This approval is ${status} already`, status);
    if (expiresAt <= this.now()) {
      throw decided(`This approval expired at ${expiresAt.toISOString()}`, 'expired');
    }
    return approval;
  }

  private async decide(
    trx: Knex.Transaction,
    action: AuditAction,
    approval: Approval,
    author: Author,
    decision: Omit<Decision, 'decided_at'>,
  ): Promise<Approval> {
    const after = await writeDecision(trx, approval, { ...decision, decided_at: this.now() });
    await this.record(trx, action, after, author, { status: approval.status });
    return after;
  }

  private record(
    trx: Knex.Transaction,
    action: AuditAction,
    { id, kind, status, summary, subject, failure, requested_by }: Approval,
    { by, reason }: Author,
    before: { status: string } | null,
  ): Promise<void> {
    const after = { status, kind, summary, requested_by, ...(failure !== null && { failure }) };
    return recordAct(trx, by, {
      action,
      subject: { ...subject, approval_id: id },
      before,
      after,
      reason,
    });
  }

  /** @throws Error for a kind that this version does not know */
  private ruleOf(kind: string): ApprovalKind {
    const rule = this.kinds.get(kind);
    if (!rule) throw new Error(`unknown kind of approval: ${kind}`);
    return rule;
  }
}

const decided = (message: string, status: string): DomainError =>
  new DomainError('conflict', 40910002, message, { approval_status: status });

/** Two people: neither who asked for it nor whom it is about. */
function requireAnother({ requested_by, subject }: Approval, { clientId }: Actor): void {
  if (clientId === requested_by) {
    throw forbidden('Somebody else has to decide about what you have asked for');
  }
  if (clientId === subject.client_id) throw forbidden('Nobody decides about themselves');
}

function requireOneOf(role: Role | null, roles: readonly Role[], what: string): void {
  if (role !== null && roles.includes(role)) return;
  throw forbidden(`To ${what} needs the role ${roles.join(' or ')}`);
}

/** Who asked may have left, or lost the role, since. @throws DomainError 403 */
async function requireStillAllowed(
  trx: Knex.Transaction,
  clientId: string,
  roles: readonly Role[],
): Promise<void> {
  const requester = await trx('clients')
    .where({ id: clientId, status: 'active' })
    .whereIn('role', roles)
    .first<{ id: string } | undefined>('id');
  if (!requester) throw forbidden('Who asked for it may not do so any more');
}
