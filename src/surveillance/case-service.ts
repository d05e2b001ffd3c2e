import type { Knex } from 'knex';
import { findAssetTarget } from '../risk/targets.js';
import type { Actor } from '../audit/record.js';
import { DomainError, invalid, notFound } from '../errors.js';
import { newId } from '../ids.js';
import { recordCaseAct } from './case-acts.js';
import type { CaseEventRow } from './case-events.js';
import {
  findCase,
  lockCase,
  subjectOf,
  type CaseKind,
  type CaseStatus,
  type ListedCase,
  type Resolution,
} from './case-model.js';
import { presentCase } from './case-presenter.js';

const VERSION_CONFLICT = 40910001;
const CASE_EXISTS = 40910002;
const UNIQUE_VIOLATION = '23505';

export interface NewCase {
  readonly kind: CaseKind;
  readonly account_ids: readonly string[];
  readonly symbol?: string;
  readonly summary: string;
  readonly score: number;
  readonly assigned_to?: string;
}

/**
 * Opens a case by hand, in the caller's transaction as everything below.
 * @throws DomainError 422 for an account, asset or person that does not exist; 409 when there is a
 *   case of this kind about them that is not closed
 */
export async function openCase(
  trx: Knex.Transaction,
  request: NewCase,
  by: Actor,
): Promise<ListedCase> {
  const { kind, symbol, summary, score, assigned_to } = request;
  const account_ids = [...new Set(request.account_ids.map((id) => id.toLowerCase()))].sort();
  await requireAccounts(trx, account_ids);
  const asset = symbol === undefined ? null : await findAssetTarget(trx, symbol);
  if (asset === undefined) throw invalid(`symbol was "${symbol!}"; there is no such asset`);
  if (assigned_to !== undefined) await requireOfficer(trx, assigned_to);
  const asset_id = asset?.asset_id ?? null;
  const subject = subjectOf(account_ids, asset_id);
  const now = new Date();
  const id = newId();
  const inserted = await trx('surveillance_cases')
    .insert({
      ...{ id, kind, account_ids, asset_id, subject, summary, score },
      window_start: now,
      window_end: now,
      opened_by: by.clientId,
      assigned_to: assigned_to ?? null,
      opened_at: now,
      updated_at: now,
    })
    .onConflict(trx.raw(`(kind, subject) where status <> 'closed'`))
    .ignore()
    .returning('id');
  if (inserted.length === 0) throw await alreadyOpen(trx, kind, subject);
  const row = (await findCase(trx, id))!;
  await recordCaseAct(trx, by, row, { action: 'opened', after: presentCase(row), note: summary });
  return row;
}

export interface CaseChanges {
  readonly status?: CaseStatus;
  readonly assigned_to?: string | null;
  readonly resolution?: Resolution;
}

/**
 * Changes a case, and records who did it and why. What is that way already stays as it is.
 * @param version only when this is the version in force; null for any
 * @throws DomainError 404; 409 when the version is another, or when it cannot be opened again because
 *   a newer case is about the same; 422 when a resolution is missing, or there without closing
 */
export async function changeCase(
  trx: Knex.Transaction,
  id: string,
  { changes, reason, version }: { changes: CaseChanges; reason: string; version: number | null },
  by: Actor,
): Promise<ListedCase> {
  const row = await lockCase(trx, id);
  if (!row) throw notFound('case');
  requireVersion(row, version);
  const { assigned_to = row.assigned_to, status = row.status } = changes;
  if (changes.assigned_to) await requireOfficer(trx, changes.assigned_to);
  const resolution = resolutionOf(row, status, changes.resolution);
  const after: ListedCase = {
    ...row,
    status,
    assigned_to,
    resolution,
    version: row.version + 1,
    updated_at: new Date(),
  };
  if (isSame(row, after)) return row;
  after.closed_at = status === 'closed' ? (row.closed_at ?? after.updated_at) : null;
  const { version: next, updated_at, closed_at } = after;
  await trx('surveillance_cases')
    .where({ id })
    .update({ status, assigned_to, resolution, version: next, updated_at, closed_at })
    .catch((error: unknown) => {
      throw (error as { code?: string }).code === UNIQUE_VIOLATION ? newerCase() : error;
    });
  const [old, now] = [presentDecision(row), presentDecision(after)];
  await recordCaseAct(trx, by, row, { action: 'changed', before: old, after: now, note: reason });
  return after;
}

/** Adds a note to a case's history; the case itself stays as it is. @throws DomainError 404 */
export async function addNote(
  trx: Knex.Transaction,
  id: string,
  note: string,
  by: Actor,
): Promise<CaseEventRow> {
  const row = await findCase(trx, id);
  if (!row) throw notFound('case');
  return recordCaseAct(trx, by, row, { action: 'note_added', note });
}

function resolutionOf(
  row: ListedCase,
  status: CaseStatus,
  resolution: Resolution | undefined,
): Resolution | null {
  if (status === 'closed') {
    const given = resolution ?? row.resolution;
    if (given) return given;
    throw invalid('A case is closed with a resolution: send one with the status "closed"', {
      field: 'resolution',
    });
  }
  if (resolution === undefined) return null;
  throw invalid(`A case that is ${status} has no resolution: send the status "closed" with it`, {
    field: 'resolution',
  });
}

const isSame = (one: ListedCase, other: ListedCase): boolean =>
  one.status === other.status &&
  one.assigned_to === other.assigned_to &&
  one.resolution === other.resolution;

const presentDecision = ({ status, assigned_to, resolution, version }: ListedCase) => ({
  status,
  assigned_to,
  resolution,
  version,
});

function requireVersion(row: ListedCase, version: number | null): void {
  if (version === null || row.version === version) return;
  throw new DomainError(
    'conflict',
    VERSION_CONFLICT,
    `If-Match names version ${version} of this case, but it is at version ${row.version}; read it again`,
    { version: row.version },
  );
}

async function requireAccounts(trx: Knex.Transaction, ids: readonly string[]): Promise<void> {
  const known = await trx('accounts')
    .whereIn('id', ids)
    .whereNot('kind', 'external')
    .pluck<string[]>('id');
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    throw invalid(`account_ids has "${unknown}"; there is no such account`, {
      field: 'account_ids',
    });
  }
}

/** Who may act on cases may have one. */
async function requireOfficer(trx: Knex.Transaction, clientId: string): Promise<void> {
  const officer = await trx('clients')
    .where({ id: clientId, status: 'active' })
    .whereIn('role', ['compliance', 'admin'])
    .first<{ id: string } | undefined>('id');
  if (officer) return;
  throw invalid(`assigned_to was "${clientId}"; it must be somebody of compliance or an admin`, {
    field: 'assigned_to',
  });
}

async function alreadyOpen(
  trx: Knex.Transaction,
  kind: CaseKind,
  subject: string,
): Promise<DomainError> {
  const open = await trx('surveillance_cases')
    .where({ kind, subject })
    .whereNot('status', 'closed')
    .first<{ id: string } | undefined>('id');
  return new DomainError(
    'conflict',
    CASE_EXISTS,
    'There is a case of this kind about the same accounts and asset that is not closed; ' +
      'add to it instead',
    { case_id: open?.id ?? null },
  );
}

const newerCase = (): DomainError =>
  new DomainError(
    'conflict',
    CASE_EXISTS,
    'A newer case about the same accounts and asset is not closed; go on with that one',
  );
