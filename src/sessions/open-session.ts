import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { newId } from '../ids.js';
import type { Client } from '../identity/model.js';
import { type Principal, scopesOfRole } from '../identity/principal.js';
import { AMR, type FactorMethod } from '../mfa/second-factors.js';
import { notify } from '../notifications/notify.js';
import { noteDevice, trustDevice } from './devices.js';
import { Session, type Device } from './model.js';
import { issueRefreshToken, refreshExpiry } from './refresh-tokens.js';

/** What somebody gets who has logged in; the tokens are shown this once. */
export interface OpenedSession {
  readonly principal: Principal;
  readonly refreshToken: string;
  /** Of a device that is trusted from now on. */
  readonly deviceToken: string | null;
  /** The client is told of a new device; a mail waits to be sent. */
  readonly hasMail: boolean;
}

export interface OpeningOptions {
  readonly by: Actor;
  /** The second factor that was given; null when none was needed. */
  readonly factor: FactorMethod | null;
  /** The device whose token came with the login. */
  readonly trusted: Device | undefined;
  /** Trust this device from now on; takes a second factor. */
  readonly trust: boolean;
  readonly now: Date;
}

/** Opens a session for somebody who has proved who they are, and tells them of a new device. */
export async function openSession(
  trx: Knex.Transaction,
  client: Client,
  { by, factor, trusted, trust, now }: OpeningOptions,
): Promise<OpenedSession> {
  const person: Actor = { ...by, kind: 'person', clientId: client.id, role: client.role };
  const traits = { ip: by.ip ?? '', userAgent: by.userAgent ?? '' };
  const noted = await noteDevice(trx, client.id, traits, { trusted, now });
  if (noted.isNew) await tellOfNewDevice(trx, client, noted.device);
  const promoted = trust && factor ? await trustDevice(trx, noted.device, now) : null;
  const device = promoted?.device ?? noted.device;
  const id = newId();
  const methods = factor ? ['pwd', AMR[factor], 'mfa'] : ['pwd'];
  await Session.query(trx).insert({
    id,
    clientId: client.id,
    deviceId: device.id,
    ...traits,
    methods,
    createdAt: now,
    lastUsedAt: now,
    expiresAt: refreshExpiry(now),
    steppedUpAt: factor ? now : null,
  });
  const refreshToken = await issueRefreshToken(trx, id, now);
  const subject = { client_id: client.id, session_id: id, device_id: device.id };
  await recordAct(trx, person, { action: 'session.opened', subject, after: { methods } });
  if (promoted) await recordAct(trx, person, { action: 'device.trusted', subject });
  return {
    principal: sessionPrincipal(client, id, await accountOf(trx, client.id)),
    refreshToken,
    deviceToken: promoted?.token ?? null,
    hasMail: noted.isNew,
  };
}

const tellOfNewDevice = (
  trx: Knex.Transaction,
  { id: clientId }: Client,
  { ip, userAgent, firstSeenAt }: Device,
): Promise<void> =>
  notify(trx, {
    clientId,
    event: 'security.new_device',
    data: { at: firstSeenAt.toISOString(), ip, device: userAgent || null, detail: null },
  });

/** What a session may do: everything that the client's role may. */
export const sessionPrincipal = (
  { id, role }: Pick<Client, 'id' | 'role'>,
  sessionId: string,
  accountId: string | null,
): Principal => ({
  clientId: id,
  accountId,
  role,
  scopes: scopesOfRole(role),
  credential: 'session',
  keyId: null,
  credentialId: sessionId,
});

/** The client's trading account; null for staff, and before a client is active. */
export async function accountOf(knex: Knex, clientId: string): Promise<string | null> {
  const account = await knex('accounts')
    .where({ client_id: clientId })
    .orderBy('created_at')
    .first<{ id: string } | undefined>('id');
  return account?.id ?? null;
}
