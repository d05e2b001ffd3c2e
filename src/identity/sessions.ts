import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { unauthenticated } from '../errors.js';
import { notActive } from './api-keys.js';
import type { LoginLimit } from './login-limit.js';
import { Client } from './model.js';
import { verifyPassword } from './passwords.js';
import { type Principal, scopesOfRole } from './principal.js';
import type { Revocations } from './revocations.js';
import { type BearerVerifier, createBearerVerifier, signToken, tokenKey } from './tokens.js';

export interface SessionsDeps {
  readonly knex: Knex;
  readonly jwtSecret: string;
  readonly loginLimit: LoginLimit;
  readonly revocations: Revocations;
}

/** Logs people in, and recognises them afterwards. */
export interface Sessions {
  /**
   * Checks e-mail and password.
   * @throws DomainError 401 when wrong, 403 for a client who is not active, 429 after 10 failures
   */
  login(email: string, password: string, ip: string): Promise<Principal>;
  /** Signs the access token of a new session. */
  open(principal: Principal): string;
  /** Recognises a session by its Bearer token. @throws DomainError 401 */
  readonly bearer: BearerVerifier;
}

export function createSessions({
  knex,
  jwtSecret,
  loginLimit,
  revocations,
}: SessionsDeps): Sessions {
  const key = tokenKey(jwtSecret);
  const verifyToken = createBearerVerifier(key);

  return {
    async login(email, password, ip) {
      const address = email.trim().toLowerCase();
      const client = await Client.query(knex).findOne({ email: address });
      const attempt = () => loginLimit.countAttempt(address, ip);
      if (!(await verifyPassword(password, client?.passwordHash ?? null, attempt)) || !client) {
        throw unauthenticated('The e-mail address or the password is wrong');
      }
      await loginLimit.clear(address, ip);
      if (client.status !== 'active') throw notActive(client.status);
      return sessionOf(client, await firstAccountOf(knex, client.id));
    },

    open: (principal) => signToken(key, { ...principal, sessionId: principal.credentialId }),

    async bearer(ctx) {
      const principal = await verifyToken(ctx);
      // Suspended lately; or suspended, and active again: only Postgres knows.
      if (revocations.includes(principal.clientId)) await assertActive(knex, principal.clientId);
      return principal;
    },
  };
}

const sessionOf = ({ id, role }: Client, accountId: string | null): Principal => ({
  clientId: id,
  accountId,
  role,
  scopes: scopesOfRole(role),
  credential: 'session',
  keyId: null,
  credentialId: randomUUID(),
});

async function firstAccountOf(knex: Knex, clientId: string): Promise<string | null> {
  const account = (await knex('accounts')
    .select('id')
    .where({ client_id: clientId })
    .orderBy('created_at')
    .first()) as { id: string } | undefined;
  return account?.id ?? null;
}

async function assertActive(knex: Knex, clientId: string): Promise<void> {
  const client = await Client.query(knex).findById(clientId).select('status');
  if (client?.status !== 'active') throw unauthenticated('The session has ended');
}
