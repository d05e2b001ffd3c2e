import type { Knex } from 'knex';
import type { Actor, Subject } from '../audit/record.js';
import type { AfterCommit } from '../http/idempotency.js';
import type { Role } from '../identity/principal.js';

/** What would be done, as JSON: decimals as text. It must mean the same for ever; rows wait. */
export type Payload = Readonly<Record<string, unknown>>;

/** In whose name an approved act is done: the second person's, for the first one's reason. */
export interface ApprovedBy {
  readonly by: Actor;
  readonly reason: string;
  readonly approvalId: string;
  readonly requestedBy: string;
}

/** Something that takes two people. */
export interface ApprovalKind<Wanted extends Payload = Payload> {
  /** A permanent string: it stands in rows. */
  readonly kind: string;
  readonly requesters: readonly Role[];
  readonly approvers: readonly Role[];
  /** One sentence for whoever decides: what will be so afterwards. */
  describe(wanted: Wanted): string;
  /** What it is about, as the audit log names it. */
  subjectOf(wanted: Wanted): Subject;
  /**
   * Does it, in the transaction of the decision, and records it in the audit log. Everything is
   * checked again: hours may have passed since it was asked for.
   * @returns what came of it, for the approval; null when there is nothing to tell
   * @throws DomainError when it cannot be done any more: the approval has failed then
   */
  execute(
    trx: Knex.Transaction,
    wanted: Wanted,
    approved: ApprovedBy,
    afterCommit: AfterCommit,
  ): Promise<Record<string, unknown> | null>;
}
