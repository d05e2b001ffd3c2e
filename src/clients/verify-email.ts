import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import type { DomainError } from '../errors.js';
import type { CodePurpose } from '../identity/one-time-codes.js';
import { type CodeMailDeps, type Proof, redeemProof, wrongCode } from './code-mails.js';
import { forgetUndeliverable } from '../notifications/undeliverable.js';
import { type ClientDetails, updateClient } from './model.js';

/**
 * Confirms the address of a sign-up.
 * @returns a refusal for a code or link that is not good: its failure is counted, so keep that
 */
export async function verifyEmail(
  deps: CodeMailDeps,
  trx: Knex.Transaction,
  by: Actor,
  proof: Proof,
): Promise<DomainError | undefined> {
  const { client, kept } = await redeemProof(deps, trx, 'verify_email', proof);
  if (!client || !kept) return await refuseCode(trx, by, 'verify_email', client, proof);
  await confirmAddress(trx, by, client, deps.now());
  return undefined;
}

/** The mail has reached its reader: nothing changes when that was known, and not doubted since. */
export async function confirmAddress(
  trx: Knex.Transaction,
  by: Actor,
  { id, emailVerifiedAt }: ClientDetails,
  now: Date,
): Promise<void> {
  await forgetUndeliverable(trx, by, id);
  if (emailVerifiedAt !== null) return;
  await updateClient(trx, id, now, { email_verified_at: now });
  await recordAct(trx, by, {
    action: 'client.verified',
    subject: { client_id: id },
    before: { email_verified: false },
    after: { email_verified: true },
  });
}

/** Notes a code that was not good, also of nobody: both take the same time. */
export async function refuseCode(
  trx: Knex.Transaction,
  by: Actor,
  purpose: CodePurpose,
  client: ClientDetails | null,
  proof: Proof | { readonly code: string },
): Promise<DomainError> {
  await recordAct(trx, by, {
    action: 'client.code_refused',
    subject: { client_id: client?.id ?? null },
    after: { purpose },
  });
  return wrongCode(proof);
}
