import type { Knex } from 'knex';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { recordAct, type Actor } from '../audit/record.js';
import { DomainError, forbidden, notFound } from '../errors.js';
import { hashPassword, requireGoodPassword, verifyPassword } from '../identity/passwords.js';
import type { CodeMailDeps } from './code-mails.js';
import { endSessions } from './end-sessions.js';
import { findClient, lockClient } from './model.js';
import { type NewPassword, setPassword } from './password-reset.js';

const WINDOW_SECONDS = 15 * 60;
const FAILURES_MAX = 5;

/** Whoever got hold of a session must not find out the password with it. */
const failures = new RateLimiterMemory({ points: FAILURES_MAX, duration: WINDOW_SECONDS });

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
  knex: Knex,
  by: Actor,
  clientId: string,
  { current_password: current, password }: ChangePasswordBody,
): Promise<NewPassword> {
  const client = await findClient(knex, clientId);
  if (!client) throw notFound('client');
  const count = () => countAttempt(clientId);
  if (!(await verifyPassword(current, client.passwordHash, count))) {
    const subject = { client_id: clientId };
    await recordAct(knex, by, { action: 'password.change_refused', subject });
    throw forbidden('The current password is wrong', { field: 'current_password' });
  }
  await failures.delete(clientId);
  requireGoodPassword(password, client);
  return { password, passwordHash: await hashPassword(password) };
}

async function countAttempt(clientId: string): Promise<void> {
  try {
    await failures.consume(clientId);
  } catch (refused) {
    if (refused instanceof Error) throw refused;
    const seconds = Math.ceil((refused as RateLimiterRes).msBeforeNext / 1_000);
    throw new DomainError('rate_limited', 42910000, 'Too many wrong passwords; try again later', {
      retry_after: seconds,
    });
  }
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
  await setPassword(deps, trx, client, passwordHash);
  await endSessions(trx, clientId, 'password_change', { now: deps.now(), except: sessionId });
  await recordAct(trx, by, { action: 'password.change', subject: { client_id: clientId } });
}
