import type { Knex } from 'knex';
import { revokeAllKeys } from '../../api-keys/service.js';
import { recordAct, type Actor } from '../../audit/record.js';
import { DomainError, forbidden, notFound } from '../../errors.js';
import type { IssuedCode, OneTimeCodes } from '../../identity/one-time-codes.js';
import { endSessions } from '../../sessions/end-sessions.js';
import {
  insertStaff,
  isTaken,
  lockActiveAdmins,
  lockStaff,
  updateStaff,
  type NewMember,
  type StaffRole,
  type StaffRow,
} from './model.js';

/** Who acts, why, and the approval of it; a command of the operator's needs none. */
export interface StaffAuthor {
  readonly by: Actor;
  readonly reason: string;
  readonly approvalId?: string;
}

/** A member's role, and whether they may log in. */
export interface Standing {
  readonly role: StaffRole;
  readonly active: boolean;
}

export const standingOf = ({ role, status }: StaffRow): Standing => ({
  role,
  active: status === 'active',
});

/**
 * Takes somebody on. They set their password with the code, which only they should see.
 * @throws DomainError 409 when the address is taken
 */
export async function createMember(
  trx: Knex.Transaction,
  codes: OneTimeCodes,
  member: NewMember,
  author: StaffAuthor,
): Promise<{ member: StaffRow; code: IssuedCode }> {
  const row = await insertStaff(trx, member);
  if (!row) throw taken(member.email);
  const code = await codes.issue(trx, row.id, 'reset_password', { now: new Date() });
  await record(trx, 'staff.created', row, author, null);
  return { member: row, code };
}

/**
 * Changes a member's role or whether they are active. All their sessions end; with another role their
 * API keys end, too, since those were made for the one before.
 * @param expected what they were when it was asked for
 * @throws DomainError 404; 409 when they have changed since, or no active admin would be left
 */
export async function changeMember(
  trx: Knex.Transaction,
  id: string,
  expected: Standing,
  wanted: Standing,
  author: StaffAuthor,
): Promise<StaffRow> {
  const admins = await lockActiveAdmins(trx);
  const before = await takeMember(trx, id);
  const now = standingOf(before);
  if (now.role !== expected.role || now.active !== expected.active) {
    throw conflict('This member of staff has been changed since it was asked for');
  }
  requireAnAdmin(admins, id, wanted);
  const after = await updateStaff(trx, id, {
    role: wanted.role,
    status: wanted.active ? 'active' : 'suspended',
    status_reason: author.reason,
  });
  await endSessions(trx, id, { by: author.by, reason: 'role_changed', now: new Date() });
  if (wanted.role !== now.role) await revokeAllKeys(trx, id, author.by);
  await record(trx, 'staff.changed', after, author, standingOf(before));
  return after;
}

/** @throws DomainError 404 when there is no such member of staff */
export async function takeMember(trx: Knex.Transaction, id: string): Promise<StaffRow> {
  const member = await lockStaff(trx, id);
  if (!member) throw notFound('member of staff');
  return member;
}

/** @throws DomainError 409 when nobody could approve or repair anything afterwards */
export function requireAnAdmin(admins: readonly string[], id: string, wanted: Standing): void {
  if (wanted.role === 'admin' && wanted.active) return;
  if (admins.some((admin) => admin !== id)) return;
  throw conflict('This is the last active admin; make somebody else one first');
}

/** @throws DomainError 409 */
export async function requireFree(knex: Knex, email: string): Promise<void> {
  if (await isTaken(knex, email)) throw taken(email);
}

/** @throws DomainError 403 */
export function requireSomebodyElse(id: string, { clientId }: Actor): void {
  if (id === clientId) throw forbidden('Nobody may do this to themselves');
}

const conflict = (message: string): DomainError => new DomainError('conflict', 40910006, message);

const taken = (email: string): DomainError =>
  conflict(`email was "${email}"; somebody has this address already`);

function record(
  trx: Knex.Transaction,
  action: 'staff.created' | 'staff.changed',
  member: StaffRow,
  { by, reason, approvalId }: StaffAuthor,
  before: Standing | null,
): Promise<void> {
  const approval = approvalId === undefined ? {} : { approval_id: approvalId };
  return recordAct(trx, by, {
    action,
    subject: { client_id: member.id, ...approval },
    before: before && { ...before },
    after: { ...standingOf(member) },
    reason,
  });
}
