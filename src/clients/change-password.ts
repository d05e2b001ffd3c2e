import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { forbidden, notFound } from '../errors.js';
import { AttemptLimit } from '../identity/attempt-limit.js';
import { hashPassword, requireGoodPassword, verifyPassword } from '../identity/passwords.js';
import type { CodeMailDeps } from './code-mails.js';
import { endSessions } from '../sessions/end-sessions.js';
import { findClient, lockClient } from './model.js';
import { type NewPassword, setPassword } from './password-reset.js';

/** Whoever got hold of a session must not find out the password with it. */
export const changeLimit = (knex: Knex): AttemptLimit =>
  new AttemptLimit(knex, {
    name: 'password-change',
    attempts: 5,
    seconds: 15 * 60,
    refusal: 'Too many wrong passwords; try again later',
  });

export interface ChangePasswordBody {
  current_password: string;
  password: string;
}

/**
 * Checks both passwords of a client and hashes the new one; before the transaction, which must not
 * wait for that.
 * @throws DomainError 403 when the current one is wrong, 422 for a bad new one, 429 after 5 failures
 */
export async function checkChange(
  { knex, limit }: { knex: Knex; limit: AttemptLimit },
  by: Actor,
  clientId: string,
  { current_password: current, password }: ChangePasswordBody,
): Promise<NewPassword> {
  const client = await findClient(knex, clientId);
  if (!client) throw notFound('client');
  const turn = { before: () => limit.count(clientId) };
  if (!(await verifyPassword(current, client.passwordHash, turn))) {
    const subject = { client_id: clientId };
    await recordAct(knex, by, { action: 'password.change_refused', subject });
    throw forbidden('The current password is wrong', { field: 'current_password' });
  }
  await limit.clear(clientId);
  requireGoodPassword(password, client);
  return { password, passwordHash: await hashPassword(password) };
}

/** @param sessionId the session that goes on; all others end */
export async function changePassword(
  deps: CodeMailDeps,
  trx: Knex.Transaction,
  by: Actor,
  { clientId, sessionId }: { clientId: string; sessionId: string },
  { passwordHash }: NewPassword,
): Promise<void> {
  const client = await lockClient(trx, clientId);
  if (!client) throw notFound('client');
  await setPassword(deps, trx, by, client, passwordHash);
  const ending = { by, reason: 'password_changed', now: deps.now(), except: sessionId } as const;
  await endSessions(trx, clientId, ending);
  await recordAct(trx, by, { action: 'password.changed', subject: { client_id: clientId } });
}
