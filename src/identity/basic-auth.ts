import { hash } from 'node:crypto';
import { unauthenticated } from '../errors.js';
import type { ApiKeys } from './api-keys.js';
import type { Principal } from './principal.js';
import type { Revocations } from './revocations.js';
import type { Sessions } from './sessions.js';

const REMEMBERED_MS = 60_000;
const REMEMBERED_MAX = 100;
const BASIC = /^basic +([A-Za-z0-9+/=]{1,1500})$/i;

export interface BasicAuthDeps {
  readonly apiKeys: ApiKeys;
  readonly sessions: Sessions;
  readonly revocations: Revocations;
}

/** `Authorization: Basic` for pages: a browser asks for it by itself and can send nothing else. */
export class BasicAuth {
  /** By the hash of the header: a page polls, and a password costs 31 ms to check. */
  private readonly remembered = new Map<string, { principal: Principal; until: number }>();

  constructor(private readonly deps: BasicAuthDeps) {}

  /**
   * Accepts e-mail and password, or an API key's id and secret.
   * @throws DomainError 401, 403 or 429, as logging in does
   */
  async verify(header: string, ip: string): Promise<Principal> {
    const [name, secret] = parse(header);
    if (!name.includes('@')) return await this.deps.apiKeys.verify(name, secret);
    const fingerprint = hash('sha256', header);
    const known = this.remembered.get(fingerprint);
    if (known && known.until > Date.now()) {
      if (!this.deps.revocations.includes(known.principal.clientId)) return known.principal;
    }
    const principal = await this.deps.sessions.login(name, secret, ip);
    if (this.remembered.size >= REMEMBERED_MAX) this.remembered.clear();
    this.remembered.set(fingerprint, { principal, until: Date.now() + REMEMBERED_MS });
    return principal;
  }
}

function parse(header: string): [name: string, secret: string] {
  const [, encoded] = BASIC.exec(header) ?? [];
  const text = Buffer.from(encoded ?? '', 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 1) throw unauthenticated('Send a name and a password');
  return [text.slice(0, colon), text.slice(colon + 1)];
}
