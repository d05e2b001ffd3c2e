import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import type { DomainError } from '../errors.js';
import { requireGoodPassword } from '../identity/passwords.js';
import { notify } from '../notifications/notify.js';
import { type CodeMailDeps, mailCodeQuietly, type Proof, redeemProof } from './code-mails.js';
import { endSessions } from '../sessions/end-sessions.js';
import { type ClientDetails, lockClientByEmail, updateClient } from './model.js';
import { confirmAddress, refuseCode } from './verify-email.js';

/** Sends a way to a new password, if there is somebody at that address; says nothing about it. */
export async function askForReset(
  deps: CodeMailDeps,
  trx: Knex.Transaction,
  by: Actor,
  email: string,
): Promise<void> {
  const client = await lockClientByEmail(trx, email);
  if (!client) return;
  const isSent = await mailCodeQuietly(deps, trx, {
    clientId: client.id,
    purpose: 'reset_password',
    kind: 'reset_password',
    to: client.email,
  });
  if (!isSent) return;
  await recordAct(trx, by, { action: 'password.reset_asked', subject: { client_id: client.id } });
}

/** A new password: as it was typed, to be checked, and its hash, to be kept. */
export interface NewPassword {
  readonly password: string;
  readonly passwordHash: string;
}

/**
 * Sets a new password with what came by mail, which shows that the address is the client's, too. All
 * sessions end.
 * @returns a refusal for a code or link that is not good: its failure is counted, so keep that
 * @throws DomainError 422 for a bad password: thrown, it leaves the code as it was
 */
export async function resetPassword(
  deps: CodeMailDeps,
  trx: Knex.Transaction,
  by: Actor,
  proof: Proof,
  next: NewPassword,
): Promise<DomainError | undefined> {
  const { client, kept } = await redeemProof(deps, trx, 'reset_password', proof);
  if (!client || !kept) return await refuseCode(trx, by, 'reset_password', client, proof);
  requireGoodPassword(next.password, client); // not before: it would tell whose address it is
  const now = deps.now();
  await confirmAddress(trx, by, client, now);
  await setPassword(deps, trx, by, client, next.passwordHash);
  await endSessions(trx, client.id, { by, reason: 'password_changed', now });
  await recordAct(trx, by, { action: 'password.reset', subject: { client_id: client.id } });
  return undefined;
}

/** Sets it, and tells the client; codes for another one end. */
export async function setPassword(
  { codes, now }: CodeMailDeps,
  trx: Knex.Transaction,
  { ip, userAgent }: Actor,
  { id }: ClientDetails,
  passwordHash: string,
): Promise<void> {
  const at = now();
  await codes.end(trx, id, 'reset_password', at);
  await updateClient(trx, id, at, { password_hash: passwordHash });
  const data = { at: at.toISOString(), ip, device: userAgent, detail: null };
  await notify(trx, { clientId: id, event: 'security.password_changed', data });
}
