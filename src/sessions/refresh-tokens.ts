import { hash, randomBytes } from 'node:crypto';
import type { Knex } from 'knex';

const DAY_MS = 86_400_000;
/** Without a refresh for so long a session is over. */
const REFRESH_LIVES_MS = 30 * DAY_MS;

const hashOf = (token: string): Buffer => hash('sha256', token, 'buffer');

export const refreshExpiry = (now: Date): Date => new Date(now.getTime() + REFRESH_LIVES_MS);

/** Makes up the token that the next refresh is done with. Only its hash is kept. */
export async function issueRefreshToken(
  trx: Knex.Transaction,
  sessionId: string,
  now: Date,
): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await trx('refresh_tokens').insert({
    hash: hashOf(token),
    session_id: sessionId,
    issued_at: now,
    expires_at: refreshExpiry(now),
  });
  return token;
}

/** What became of a token that somebody wants to spend. */
export type SpentToken =
  | { readonly outcome: 'spent'; readonly sessionId: string }
  /** It was spent before: somebody has a copy. */
  | { readonly outcome: 'reused'; readonly sessionId: string }
  /** It was spent while this request was under way: a client that asked twice, as far as we know. */
  | { readonly outcome: 'lost_race' }
  | { readonly outcome: 'unknown' };

/**
 * Spends a token: of any number of requests at once one succeeds.
 * @param receivedAt when the request came in
 */
export async function spendRefreshToken(
  trx: Knex.Transaction,
  token: string,
  { receivedAt, now }: { receivedAt: Date; now: Date },
): Promise<SpentToken> {
  const row = await trx('refresh_tokens')
    .where({ hash: hashOf(token) })
    .forUpdate()
    .first<{ session_id: string; spent_at: Date | null; expires_at: Date } | undefined>(
      'session_id',
      'spent_at',
      'expires_at',
    );
  if (!row || row.expires_at <= now) return { outcome: 'unknown' };
  const { session_id: sessionId, spent_at: spentAt } = row;
  if (spentAt)
    return receivedAt <= spentAt ? { outcome: 'lost_race' } : { outcome: 'reused', sessionId };
  await trx('refresh_tokens')
    .where({ hash: hashOf(token) })
    .update({ spent_at: now });
  return { outcome: 'spent', sessionId };
}
