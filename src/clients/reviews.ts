import type { Knex } from 'knex';
import { openEmptyAccount } from '../accounts/open-accounts.js';
import { recordAct, type Actor } from '../audit/record.js';
import { DomainError, forbidden, notFound } from '../errors.js';
import { newId } from '../ids.js';
import { notify } from '../notifications/notify.js';
import { type ClientDocument, IDENTITY_KINDS, listDocuments } from './documents.js';
import { endSessions } from '../sessions/end-sessions.js';
import { type ClientDetails, lockClient, updateClient } from './model.js';

export interface Decision {
  readonly decision: 'approve' | 'reject';
  /** The client reads it, too. */
  readonly reason: string;
}

export interface ReviewDeps {
  readonly now: () => Date;
}

/**
 * Decides about a sign-up, once. Approved, the client is active and has an account with an empty USD
 * wallet; rejected, the sessions end.
 * @param by the officer
 * @throws DomainError 404 for nobody, 403 for the officer's own sign-up, 409 with the `client_status`
 *   when it was decided before, 422 when something is missing that an approval needs
 */
export async function decideReview(
  deps: ReviewDeps,
  trx: Knex.Transaction,
  by: Actor,
  clientId: string,
  decision: Decision,
): Promise<void> {
  if (by.clientId === clientId) throw forbidden('Nobody decides about themselves');
  const client = await lockClient(trx, clientId);
  if (client?.role !== 'client') throw notFound('review');
  if (client.status !== 'pending') throw decided(client);
  const documents = await listDocuments(trx, clientId);
  if (decision.decision === 'approve') requireComplete(client, documents);
  const now = deps.now();
  await trx('client_reviews').insert({
    id: newId(),
    client_id: clientId,
    ...decision,
    decided_by: by.clientId,
    decided_at: now,
  });
  const act = { client, documents, by, reason: decision.reason, now };
  await (decision.decision === 'approve' ? approve(trx, act) : reject(trx, act));
}

interface ReviewAct {
  readonly client: ClientDetails;
  readonly documents: readonly ClientDocument[];
  readonly by: Actor;
  readonly reason: string;
  readonly now: Date;
}

async function approve(
  trx: Knex.Transaction,
  { client, documents, by, reason, now }: ReviewAct,
): Promise<void> {
  const { id } = client;
  await updateClient(trx, id, now, { status: 'active', status_reason: null, activated_at: now });
  const account = await openEmptyAccount(trx, id);
  await recordAct(trx, by, {
    action: 'kyc.approved',
    subject: { client_id: id, account_id: account.id },
    before: { status: client.status },
    after: { status: 'active', documents: hashesOf(documents) },
    reason,
  });
  await notify(trx, {
    clientId: id,
    accountId: account.id,
    event: 'account.activated',
    data: { at: now.toISOString(), reason: null },
  });
}

async function reject(
  trx: Knex.Transaction,
  { client, documents, by, reason, now }: ReviewAct,
): Promise<void> {
  const { id } = client;
  await updateClient(trx, id, now, { status: 'rejected', status_reason: reason });
  await endSessions(trx, id, { by, reason: 'client_rejected', now });
  await recordAct(trx, by, {
    action: 'kyc.rejected',
    subject: { client_id: id },
    before: { status: client.status },
    after: { status: 'rejected', documents: hashesOf(documents) },
    reason,
  });
  const data = { at: now.toISOString(), reason };
  await notify(trx, { clientId: id, accountId: null, event: 'account.rejected', data });
}

/** The brief asks for the documents' hashes beside the time (UC-01). */
const hashesOf = (documents: readonly ClientDocument[]) =>
  documents.map(({ id, kind, sha256 }) => ({ id, kind, sha256 }));

const decided = ({ status, statusReason }: ClientDetails): DomainError =>
  new DomainError('conflict', 40910000, `This sign-up was decided: the client is ${status}`, {
    client_status: status,
    status_reason: statusReason,
  });

function requireComplete(
  { emailVerifiedAt }: ClientDetails,
  documents: readonly ClientDocument[],
): void {
  const missing = missingOf(emailVerifiedAt, documents);
  if (missing.length === 0) return;
  throw new DomainError(
    'invalid',
    42210000,
    `This sign-up cannot be approved yet; missing: ${missing.join(', ')}`,
    { missing },
  );
}

/** What a sign-up still needs before it can be approved. */
export const missingOf = (
  emailVerifiedAt: Date | null,
  documents: readonly ClientDocument[],
): string[] => [
  ...(emailVerifiedAt === null ? ['verified_email'] : []),
  ...(documents.some(({ kind }) => IDENTITY_KINDS.includes(kind)) ? [] : ['identity_document']),
];
