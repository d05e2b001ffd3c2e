import { hash, randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import { newId } from '../ids.js';
import { Device } from './model.js';

const TRUSTED_MS = 30 * 86_400_000;

const hashOf = (token: string): Buffer => hash('sha256', token, 'buffer');

/** Where a login comes from. */
export interface DeviceTraits {
  readonly ip: string;
  readonly userAgent: string;
}

/** The client's device that has this token, if its trust has not ended. */
export const findTrustedDevice = (
  knex: Knex,
  clientId: string,
  token: string,
  now: Date,
): Promise<Device | undefined> =>
  Device.query(knex)
    .findOne({ client_id: clientId, token_hash: hashOf(token) })
    .where('trusted_until', '>', now)
    .execute();

/**
 * Notes that somebody logged in from there.
 * @param trusted the device whose token came with the login
 * @returns it, and whether the client has others but not this one
 */
export async function noteDevice(
  trx: Knex.Transaction,
  clientId: string,
  { ip, userAgent }: DeviceTraits,
  { trusted, now }: { trusted: Device | undefined; now: Date },
): Promise<{ device: Device; isNew: boolean }> {
  const all = Device.query(trx).where({ client_id: clientId });
  const known = trusted ?? (await all.clone().findOne({ ip, user_agent: userAgent }));
  if (known) {
    await Device.query(trx).findById(known.id).patch({ lastSeenAt: now });
    return { device: known, isNew: false };
  }
  const others = await all.clone().resultSize();
  const device = await insertDevice(trx, clientId, { ip, userAgent }, now);
  return { device, isNew: others > 0 };
}

const insertDevice = (
  trx: Knex.Transaction,
  clientId: string,
  { ip, userAgent }: DeviceTraits,
  now: Date,
): Promise<Device> =>
  Device.query(trx)
    .insertAndFetch({ id: newId(), clientId, ip, userAgent, firstSeenAt: now, lastSeenAt: now })
    .execute();

/**
 * For 30 days it logs in without a second factor.
 * @returns it with its token, which only it keeps; a twin with a token of its own keeps that
 */
export async function trustDevice(
  trx: Knex.Transaction,
  device: Device,
  now: Date,
): Promise<{ device: Device; token: string }> {
  const token = randomBytes(32).toString('base64url');
  const chosen = device.tokenHash ? await insertDevice(trx, device.clientId, device, now) : device;
  await Device.query(trx)
    .findById(chosen.id)
    .patch({ tokenHash: hashOf(token), trustedUntil: new Date(now.getTime() + TRUSTED_MS) });
  return { device: chosen, token };
}
