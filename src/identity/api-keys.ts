import { timingSafeEqual } from 'node:crypto';
import type { Database, Statement } from '../db.js';
import { forbidden, unauthenticated } from '../errors.js';
import { cacheRequests } from '../metrics.js';
import { KeyUsage } from './key-usage.js';
import type { ClientStatus } from './model.js';
import { hashSecret } from './new-api-key.js';
import type { Principal, Role, Scope } from './principal.js';
import type { Revocations } from './revocations.js';

const CACHE_MAX = 50_000;
const CACHE_TTL_MS = 5 * 60_000;
const KEY_ID = /^[A-Z0-9]{20}$/;
const SECRET_MAX_LENGTH = 128;

/** $1 the key's id. */
const FIND_KEY: Statement = {
  name: 'identity-find-key',
  text: `select k.id, k.client_id as "clientId", k.account_id as "accountId", k.scopes,
      k.secret_hash as "secretHash", k.expires_at as "expiresAt", c.role, c.status
    from api_keys k join clients c on c.id = k.client_id
    where k.id = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`,
};

interface KeyRow {
  id: string;
  clientId: string;
  accountId: string | null;
  scopes: Scope[];
  secretHash: Buffer;
  expiresAt: Date | null;
  role: Role;
  status: ClientStatus;
}

interface VerifiedKey {
  readonly secretHash: Buffer;
  readonly principal: Principal;
  readonly verifiedAt: number;
  /** In ms. */
  readonly expiresAt: number;
}

/** Verifies API keys: the first time against Postgres, then from memory until one is revoked. */
export class ApiKeys {
  private readonly verified = new Map<string, VerifiedKey>();
  private readonly lookups = new Map<string, Promise<KeyRow | undefined>>();
  private readonly hits = cacheRequests.labels('api_keys', 'hit');
  private readonly misses = cacheRequests.labels('api_keys', 'miss');

  private readonly usage: KeyUsage;

  /** @param onError told when it could not be written which keys were used */
  constructor(
    private readonly db: Database,
    private readonly revocations: Revocations,
    onError: (error: unknown) => void,
  ) {
    this.usage = new KeyUsage(db.knex, onError);
  }

  /** Begins to write down when keys are used. */
  start(): void {
    this.usage.start();
  }

  stop(): void {
    this.usage.stop();
  }

  /** A request came with this key. */
  noteUse(keyId: string, ip: string): void {
    this.usage.note(keyId, ip);
  }

  /**
   * Who a key belongs to. A remembered key answers at once, without a promise.
   * @throws DomainError 401 for an unknown, revoked or expired key or a wrong secret (which of them is not
   *   told), 403 when the client is not active
   */
  verify(keyId: string, secret: string): Principal | Promise<Principal> {
    const secretHash = hashSecret(secret.slice(0, SECRET_MAX_LENGTH + 1));
    const known = this.verified.get(keyId);
    if (known && this.isFresh(known, keyId)) {
      this.hits.inc();
      if (!timingSafeEqual(known.secretHash, secretHash)) throw wrongKey();
      return known.principal;
    }
    this.misses.inc();
    return this.verifyAnew(keyId, secretHash);
  }

  private isFresh({ verifiedAt, expiresAt, principal }: VerifiedKey, keyId: string): boolean {
    const now = Date.now();
    return (
      now - verifiedAt < CACHE_TTL_MS &&
      now < expiresAt &&
      !this.revocations.includes(keyId) &&
      !this.revocations.includes(principal.clientId)
    );
  }

  private async verifyAnew(keyId: string, secretHash: Buffer): Promise<Principal> {
    this.verified.delete(keyId);
    if (!KEY_ID.test(keyId)) throw wrongKey();
    const verifiedAt = Date.now(); // before the look-up: a revocation during it counts
    const row = await this.lookUp(keyId);
    if (!row || !timingSafeEqual(row.secretHash, secretHash)) throw wrongKey();
    if (row.status !== 'active') throw notActive(row.status);
    const principal = principalOf(row);
    const expiresAt = row.expiresAt?.getTime() ?? Infinity;
    this.remember(keyId, { secretHash, principal, verifiedAt, expiresAt });
    return principal;
  }

  /** Concurrent first requests of one key share a query. */
  private lookUp(keyId: string): Promise<KeyRow | undefined> {
    let lookup = this.lookups.get(keyId);
    if (!lookup) {
      lookup = this.db
        .run<KeyRow>(FIND_KEY, [keyId])
        .then(([row]) => row)
        .finally(() => this.lookups.delete(keyId));
      this.lookups.set(keyId, lookup);
    }
    return lookup;
  }

  private remember(keyId: string, key: VerifiedKey): void {
    if (this.verified.size >= CACHE_MAX) {
      const [oldest] = this.verified.keys();
      this.verified.delete(oldest!);
    }
    this.verified.set(keyId, key);
  }
}

const wrongKey = () =>
  unauthenticated('The API key or its secret is wrong, or it was revoked or has expired');

/** 403: we know who it is, and the client may not use the house at present. */
export const notActive = (status: ClientStatus) =>
  forbidden(
    status === 'pending'
      ? 'This client is not active yet: the sign-up is not complete'
      : `This client is ${status}. Please contact support@brokerx.example`,
    { client_status: status },
  );

const principalOf = ({ id, clientId, accountId, role, scopes }: KeyRow): Principal =>
  Object.freeze({
    clientId,
    accountId,
    role,
    scopes: Object.freeze(scopes),
    credential: 'key',
    keyId: id,
    credentialId: id,
  });
