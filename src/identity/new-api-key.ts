import { hash, randomInt } from 'node:crypto';
import type { Knex } from 'knex';
import { ApiKey } from './model.js';
import type { Scope } from './principal.js';

const KEY_ID_PREFIX = 'PK';
const KEY_ID_RANDOM_LENGTH = 18;
const SECRET_LENGTH = 40;
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const MIXED = `${UPPER}abcdefghijklmnopqrstuvwxyz`;

export interface NewApiKey {
  readonly clientId: string;
  /** Null for staff, who have no trading account. */
  readonly accountId: string | null;
  readonly scopes: readonly Scope[];
  readonly label: string;
}

/** What the owner is shown, once. */
export interface ApiKeyCredentials {
  readonly key_id: string;
  readonly secret_key: string;
}

export interface BuiltApiKey {
  readonly credentials: ApiKeyCredentials;
  readonly row: {
    id: string;
    clientId: string;
    accountId: string | null;
    secretHash: Buffer;
    scopes: Scope[];
    label: string;
  };
}

/** Makes up a key without storing it, for whoever inserts many at once. */
export function buildApiKey({ clientId, accountId, scopes, label }: NewApiKey): BuiltApiKey {
  const id = KEY_ID_PREFIX + randomText(UPPER, KEY_ID_RANDOM_LENGTH);
  const secret = randomText(MIXED, SECRET_LENGTH);
  return {
    credentials: { key_id: id, secret_key: secret },
    row: { id, clientId, accountId, secretHash: hashSecret(secret), scopes: [...scopes], label },
  };
}

/** Makes up a key and stores the hash of its secret. */
export async function createApiKey(knex: Knex, input: NewApiKey): Promise<ApiKeyCredentials> {
  const { credentials, row } = buildApiKey(input);
  await ApiKey.query(knex).insert(row);
  return credentials;
}

/** A secret of 40 random characters needs no slow hash: there is nothing to guess. */
export const hashSecret = (secret: string): Buffer => hash('sha256', secret, 'buffer');

const randomText = (alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
