import { v7 as uuidv7 } from 'uuid';
import { scopesOfRole, type Role } from '../../src/identity/principal.js';
import type { Api } from './api.js';
import type { Trading } from './trading.js';

const LIFETIME_MS = 3_600_000;

/** A person, and the account of theirs that the session is for. */
export interface SessionPerson {
  readonly id: string;
  readonly accountId?: string | null;
  readonly role?: Role;
}

/**
 * Logs a person in without their password.
 * @param steppedUp with a second factor, this very moment
 * @returns the headers of the session's requests
 */
export async function sessionOf(
  { container }: Pick<Trading, 'container'>,
  api: Pick<Api, 'identity'>,
  { id, accountId = null, role = 'client' }: SessionPerson,
  { steppedUp = false }: { steppedUp?: boolean } = {},
): Promise<{ Authorization: string }> {
  const sessionId = uuidv7();
  const now = new Date();
  await container.db.knex('sessions').insert({
    id: sessionId,
    client_id: id,
    ip: '127.0.0.1',
    user_agent: 'test',
    methods: steppedUp ? ['pwd', 'otp'] : ['pwd'],
    expires_at: new Date(now.getTime() + LIFETIME_MS),
    stepped_up_at: steppedUp ? now : null,
  });
  const token = api.identity.sessions.open({
    clientId: id,
    accountId,
    role,
    scopes: scopesOfRole(role),
    credential: 'session',
    keyId: null,
    credentialId: sessionId,
  });
  return { Authorization: `Bearer ${token}` };
}
