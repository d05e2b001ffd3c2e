import { hash } from 'node:crypto';
import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { forbidden, unauthenticated } from '../errors.js';
import { newId } from '../ids.js';
import type { SecondFactors } from '../mfa/second-factors.js';
import { accountOf, sessionPrincipal } from '../sessions/open-session.js';
import type { ApiKeys } from './api-keys.js';
import type { PasswordLogin } from './password-login.js';
import type { Principal } from './principal.js';
import type { Revocations } from './revocations.js';

const REMEMBERED_MS = 60_000;
const REMEMBERED_MAX = 100;
const BASIC = /^basic +([A-Za-z0-9+/=]{1,1500})$/i;

export interface BasicAuthDeps {
  readonly knex: Knex;
  readonly apiKeys: ApiKeys;
  readonly passwords: PasswordLogin;
  readonly factors: SecondFactors;
  readonly revocations: Revocations;
}

/** `Authorization: Basic` for pages: a browser asks for it by itself and can send nothing else. */
export class BasicAuth {
  /** By the hash of the header: a page polls, and a password costs 31 ms to check. */
  private readonly remembered = new Map<string, { principal: Principal; until: number }>();

  constructor(private readonly deps: BasicAuthDeps) {}

  /**
   * Accepts e-mail and password, or an API key's id and secret.
   * @throws DomainError 401, 403 or 429, as logging in does; 403 to who needs a second factor, which
   *   a browser cannot send this way
   */
  async verify(header: string, by: Actor): Promise<Principal> {
    const [name, secret] = parse(header);
    if (!name.includes('@')) return await this.deps.apiKeys.verify(name, secret);
    const fingerprint = hash('sha256', header);
    const known = this.remembered.get(fingerprint);
    if (known && known.until > Date.now()) {
      if (!this.deps.revocations.includes(known.principal.clientId)) return known.principal;
    }
    const principal = await this.logIn(name, secret, by);
    if (this.remembered.size >= REMEMBERED_MAX) this.remembered.clear();
    this.remembered.set(fingerprint, { principal, until: Date.now() + REMEMBERED_MS });
    return principal;
  }

  private async logIn(email: string, password: string, by: Actor): Promise<Principal> {
    const { knex, passwords, factors } = this.deps;
    const client = await passwords.check(email, password, by);
    if (await factors.isNeeded(client)) {
      throw forbidden("Your account has a second factor: send an API key's id and secret instead");
    }
    const person: Actor = { ...by, kind: 'person', clientId: client.id, role: client.role };
    await recordAct(knex, person, {
      action: 'session.opened',
      subject: { client_id: client.id },
      after: { methods: ['pwd'] },
      reason: 'HTTP Basic, for one minute',
    });
    return sessionPrincipal(client, newId(), await accountOf(knex, client.id));
  }
}

function parse(header: string): [name: string, secret: string] {
  const [, encoded] = BASIC.exec(header) ?? [];
  const text = Buffer.from(encoded ?? '', 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 1) throw unauthenticated('Send a name and a password');
  return [text.slice(0, colon), text.slice(colon + 1)];
}
