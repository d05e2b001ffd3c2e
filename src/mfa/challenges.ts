import { hash, randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import { newId } from '../ids.js';

const LIVES_MS = 10 * 60_000;

/** A proof that is under way. */
export interface Challenge {
  readonly id: string;
  readonly clientId: string;
}

const hashOf = (token: string): Buffer => hash('sha256', token, 'buffer');
const COLUMNS = { id: 'id', clientId: 'client_id' };

/** Remembers that somebody has given the right password. @returns the token that says so */
export async function openLoginChallenge(
  knex: Knex,
  clientId: string,
  now: Date,
): Promise<{ challenge: Challenge; token: string }> {
  const id = newId();
  const token = randomBytes(32).toString('base64url');
  await knex('mfa_challenges').insert({
    id,
    client_id: clientId,
    purpose: 'login',
    token_hash: hashOf(token),
    created_at: now,
    expires_at: new Date(now.getTime() + LIVES_MS),
  });
  return { challenge: { id, clientId }, token };
}

/** @returns undefined for a token that is unknown, was used or has expired */
export const findLoginChallenge = async (
  knex: Knex,
  token: string,
  now: Date,
): Promise<Challenge | undefined> =>
  await knex('mfa_challenges')
    .where({ token_hash: hashOf(token), purpose: 'login' })
    .whereNull('used_at')
    .where('expires_at', '>', now)
    .first<Challenge | undefined>(COLUMNS);

/** @returns false when somebody else was faster: one password opens one session */
export async function useChallenge(trx: Knex.Transaction, id: string, now: Date): Promise<boolean> {
  const used = await trx('mfa_challenges')
    .where({ id })
    .whereNull('used_at')
    .update({ used_at: now });
  return used === 1;
}

/** Starts a proof within a session; an earlier one for the same purpose ends. */
export async function openSessionChallenge(
  trx: Knex.Transaction,
  {
    clientId,
    sessionId,
    purpose,
  }: {
    clientId: string;
    sessionId: string;
    purpose: 'step_up' | 'new_passkey';
  },
  now: Date,
): Promise<Challenge> {
  await trx('mfa_challenges').where({ session_id: sessionId, purpose }).delete();
  const id = newId();
  await trx('mfa_challenges').insert({
    id,
    client_id: clientId,
    purpose,
    session_id: sessionId,
    created_at: now,
    expires_at: new Date(now.getTime() + LIVES_MS),
  });
  return { id, clientId };
}

export const findSessionChallenge = async (
  knex: Knex,
  sessionId: string,
  purpose: 'step_up' | 'new_passkey',
  now: Date,
): Promise<Challenge | undefined> =>
  await knex('mfa_challenges')
    .where({ session_id: sessionId, purpose })
    .whereNull('used_at')
    .where('expires_at', '>', now)
    .first<Challenge | undefined>(COLUMNS);

/** Keeps what a passkey has to sign. */
export async function keepWebauthnChallenge(
  knex: Knex,
  { id }: Challenge,
  challenge: string,
): Promise<void> {
  await knex('mfa_challenges').where({ id }).update({ webauthn_challenge: challenge });
}

/** Takes what a passkey had to sign: whatever comes of it, it is signed once. */
export async function takeWebauthnChallenge(
  trx: Knex.Transaction,
  { id }: Challenge,
): Promise<string | null> {
  const row = await trx('mfa_challenges')
    .where({ id })
    .forUpdate()
    .first<{ webauthn_challenge: string | null } | undefined>('webauthn_challenge');
  if (!row?.webauthn_challenge) return null;
  await trx('mfa_challenges').where({ id }).update({ webauthn_challenge: null });
  return row.webauthn_challenge;
}
