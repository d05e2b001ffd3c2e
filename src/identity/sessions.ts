import type { Knex } from 'knex';
import { unauthenticated } from '../errors.js';
import { Client } from './model.js';
import { mayLogIn } from './password-login.js';
import type { Principal } from './principal.js';
import type { Revocations } from './revocations.js';
import { type BearerVerifier, createBearerVerifier, signToken, tokenKey } from './tokens.js';

export interface SessionsDeps {
  readonly knex: Knex;
  readonly jwtSecret: string;
  readonly revocations: Revocations;
}

/** The access tokens of sessions. */
export interface Sessions {
  /** Signs an access token of 15 minutes. */
  open(principal: Principal): string;
  /** Recognises a session by its Bearer token. @throws DomainError 401 */
  readonly bearer: BearerVerifier;
}

export function createSessions({ knex, jwtSecret, revocations }: SessionsDeps): Sessions {
  const key = tokenKey(jwtSecret);
  const verifyToken = createBearerVerifier(key);

  return {
    open: (principal) => signToken(key, { ...principal, sessionId: principal.credentialId }),

    async bearer(ctx) {
      const principal = await verifyToken(ctx);
      if (revocations.includes(principal.credentialId)) throw ended();
      // Suspended lately; or suspended, and active again: only Postgres knows.
      if (revocations.includes(principal.clientId)) await assertActive(knex, principal.clientId);
      return principal;
    },
  };
}

const ended = () => unauthenticated('The session has ended');

async function assertActive(knex: Knex, clientId: string): Promise<void> {
  const client = await Client.query(knex).findById(clientId).select('status', 'email_verified_at');
  if (!client || !mayLogIn(client)) throw ended();
}
