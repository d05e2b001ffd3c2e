export const ROLES = ['client', 'ops', 'compliance', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export const SCOPES = ['read', 'trade', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who is calling, and what the credential allows. Frozen: it is shared between requests. */
export interface Principal {
  readonly clientId: string;
  /** Null for staff, who have no trading account. */
  readonly accountId: string | null;
  readonly role: Role;
  readonly scopes: readonly Scope[];
  readonly credential: 'key' | 'session';
  /** The API key's id, or null for a session. */
  readonly keyId: string | null;
  /** Names the credential for rate limits: the key's id or the session's. */
  readonly credentialId: string;
  /** When a session's access token expires, in ms; a key has no end but its revocation. */
  readonly expiresAt?: number;
}

/** What a person who logged in may do: everything that the role may. */
export const scopesOfRole = (role: Role): readonly Scope[] =>
  role === 'client' ? ['read', 'trade'] : role === 'compliance' ? ['read'] : SCOPES;
