import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { unauthenticated } from '../errors.js';
import { Client } from '../identity/model.js';
import { mayLogIn } from '../identity/password-login.js';
import type { Principal } from '../identity/principal.js';
import { endSessions } from './end-sessions.js';
import { Session } from './model.js';
import { accountOf, sessionPrincipal } from './open-session.js';
import { issueRefreshToken, refreshExpiry, spendRefreshToken } from './refresh-tokens.js';

/** A session that goes on. */
export interface RefreshedSession {
  readonly principal: Principal;
  readonly refreshToken: string;
}

/**
 * Exchanges a refresh token for a new one, once. A token that was spent before ends the session: one
 * of its two holders has stolen it, and we cannot know which (RFC 9700, 4.14). Requests that came in
 * before the first of them was through have only lost a race; they are refused and end nothing.
 * @param receivedAt when the request came in
 * @throws DomainError 401 for a token that is unknown, spent, expired, or of a session that has ended
 */
export async function refreshSession(
  knex: Knex,
  token: string,
  { by, receivedAt, now }: { by: Actor; receivedAt: Date; now: () => Date },
): Promise<RefreshedSession> {
  const refreshed = await knex.transaction(async (trx) => {
    const spent = await spendRefreshToken(trx, token, { receivedAt, now: now() });
    if (spent.outcome === 'reused') await endReused(trx, spent.sessionId, by, now());
    return spent.outcome === 'spent' ? await goOn(trx, spent.sessionId, now()) : null;
  });
  if (!refreshed) {
    throw unauthenticated('The refresh token is not valid, was used or has expired; log in again');
  }
  return refreshed;
}

async function goOn(
  trx: Knex.Transaction,
  sessionId: string,
  now: Date,
): Promise<RefreshedSession | null> {
  const session = await Session.query(trx).findById(sessionId).forUpdate();
  const client = session && (await Client.query(trx).findById(session.clientId));
  if (!client || session.endedAt !== null || !mayLogIn(client)) return null;
  const refreshToken = await issueRefreshToken(trx, sessionId, now);
  await Session.query(trx)
    .findById(sessionId)
    .patch({ lastUsedAt: now, expiresAt: refreshExpiry(now) });
  const principal = sessionPrincipal(client, sessionId, await accountOf(trx, client.id));
  return { principal, refreshToken };
}

async function endReused(
  trx: Knex.Transaction,
  sessionId: string,
  by: Actor,
  now: Date,
): Promise<void> {
  const session = await Session.query(trx).findById(sessionId);
  if (!session) return;
  const subject = { client_id: session.clientId, session_id: sessionId };
  await recordAct(trx, by, { action: 'session.token_reused', subject });
  const ending = { by, reason: 'token_reused', now, only: sessionId } as const;
  await endSessions(trx, session.clientId, ending);
}
