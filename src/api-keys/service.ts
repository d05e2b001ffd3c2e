import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { invalid, notFound } from '../errors.js';
import { ApiKey, Client } from '../identity/model.js';
import { buildApiKey } from '../identity/new-api-key.js';
import type { Principal, Scope } from '../identity/principal.js';
import { notify } from '../notifications/notify.js';

const KEYS_MAX = 20;
const LISTED_MAX = 200;

export interface WantedKey {
  readonly label: string;
  readonly scopes: readonly Scope[];
  /** Null: until it is revoked. */
  readonly expiresAt: Date | null;
}

/**
 * Makes a key for a client's programs. It may do what its owner may, or less.
 * @returns it with its secret, of which only the hash is kept
 * @throws DomainError 422 for scopes that the owner does not have, or when there are 20 keys
 */
export async function makeKey(
  knex: Knex,
  { clientId, accountId, scopes: own }: Principal,
  wanted: WantedKey,
  by: Actor,
): Promise<{ key: ApiKey; secret: string }> {
  const beyond = wanted.scopes.filter((scope) => !own.includes(scope));
  if (beyond.length > 0) {
    throw invalid(`scopes names ${beyond.join(', ')}; yours are ${own.join(', ')}`);
  }
  return await knex.transaction(async (trx) => {
    // One after the other for each client, or several at once could all be the twentieth.
    await Client.query(trx).findById(clientId).forNoKeyUpdate();
    const inForce = await ApiKey.query(trx)
      .where({ client_id: clientId })
      .whereNull('revoked_at')
      .resultSize();
    if (inForce >= KEYS_MAX) {
      throw invalid(`There are ${KEYS_MAX} API keys already; revoke one first`);
    }
    const built = buildApiKey({ clientId, accountId, scopes: wanted.scopes, label: wanted.label });
    const row = { ...built.row, expiresAt: wanted.expiresAt, createdAt: new Date() };
    const key = await ApiKey.query(trx).insertAndFetch(row);
    await recordAct(trx, by, {
      action: 'api_key.created',
      subject: subjectOf(key),
      after: presentKey(key),
    });
    const detail = `${wanted.label} (${wanted.scopes.join(', ')})`;
    const data = { at: key.createdAt.toISOString(), ip: by.ip, device: by.userAgent, detail };
    await notify(trx, { clientId, event: 'security.api_key_created', data });
    return { key, secret: built.credentials.secret_key };
  });
}

/** The latest first. */
export const listKeys = (knex: Knex, clientId: string): Promise<ApiKey[]> =>
  ApiKey.query(knex)
    .where({ client_id: clientId })
    .orderBy('created_at', 'desc')
    .limit(LISTED_MAX)
    .execute();

/** @throws DomainError 404 when there is none, or it is another client's */
export async function findKey(knex: Knex, clientId: string, id: string): Promise<ApiKey> {
  const key = await ApiKey.query(knex).findOne({ id, client_id: clientId });
  if (!key) throw notFound('API key');
  return key;
}

export async function changeLabel(
  knex: Knex,
  clientId: string,
  id: string,
  { label, by }: { label: string; by: Actor },
): Promise<ApiKey> {
  return await knex.transaction(async (trx) => {
    const before = await findKey(trx, clientId, id);
    const after = await ApiKey.query(trx).patchAndFetchById(id, { label });
    await recordAct(trx, by, {
      action: 'api_key.changed',
      subject: subjectOf(after),
      before: { label: before.label },
      after: { label },
    });
    return after;
  });
}

/** Ends a key for good. What is revoked already stays as it is. */
export async function revokeKey(
  knex: Knex,
  clientId: string,
  id: string,
  by: Actor,
): Promise<void> {
  await knex.transaction(async (trx) => {
    const key = await findKey(trx, clientId, id);
    const revoked = await ApiKey.query(trx)
      .findById(id)
      .whereNull('revoked_at')
      .patch({ revokedAt: new Date() });
    if (revoked === 0) return;
    const act = { action: 'api_key.revoked', subject: subjectOf(key) } as const;
    await recordAct(trx, by, { ...act, before: presentKey(key) });
  });
}

/** Ends all keys of somebody who leaves, or who may do something else from now on. */
export async function revokeAllKeys(
  trx: Knex.Transaction,
  clientId: string,
  by: Actor,
): Promise<void> {
  const keys = await ApiKey.query(trx)
    .where({ client_id: clientId })
    .whereNull('revoked_at')
    .orderBy('id')
    .forUpdate();
  for (const key of keys) {
    await ApiKey.query(trx).findById(key.id).patch({ revokedAt: new Date() });
    const act = { action: 'api_key.revoked', subject: subjectOf(key) } as const;
    await recordAct(trx, by, { ...act, before: presentKey(key) });
  }
}

const subjectOf = ({ id, clientId, accountId }: ApiKey) => ({
  client_id: clientId,
  account_id: accountId,
  key_id: id,
});

/** A key as its owner sees it, without the secret. */
export const presentKey = (key: ApiKey): Record<string, unknown> => ({
  key_id: key.id,
  account_id: key.accountId,
  label: key.label,
  scopes: key.scopes,
  created_at: key.createdAt.toISOString(),
  expires_at: key.expiresAt?.toISOString() ?? null,
  last_used_at: key.lastUsedAt?.toISOString() ?? null,
  last_used_ip: key.lastUsedIp,
  revoked_at: key.revokedAt?.toISOString() ?? null,
});
