import type { Knex } from 'knex';
import { generateSecret, generateURI, verifySync } from 'otplib';
import { toDataURL } from 'qrcode';
import { newId } from '../ids.js';
import type { Client } from '../identity/model.js';
import type { Sealer } from '../identity/sealer.js';
import { SecondFactor } from './model.js';

const ISSUER = 'BrokerX+';
/** One step of 30 s to either side, for clocks that differ and people who type slowly. */
const TOLERANCE_SECONDS = 30;
export const TOTP_CODE = /^\d{6}$/;

const purposeOf = (id: string): string => `totp ${id}`;

/** What an authenticator app needs; shown once. */
export interface NewTotp {
  readonly id: string;
  /** Base32, to type in. */
  readonly secret: string;
  /** `otpauth://totp/...`, and the same as a picture (a data URL of a PNG). */
  readonly uri: string;
  readonly qrCode: string;
}

/** Makes up a TOTP; it counts once a code of it was given (`proveTotp`). */
export async function addTotp(
  trx: Knex.Transaction,
  sealer: Sealer,
  client: Client,
  now: Date,
): Promise<NewTotp> {
  await SecondFactor.query(trx)
    .where({ client_id: client.id, kind: 'totp' })
    .whereNull('confirmed_at')
    .delete();
  const id = newId();
  const secret = generateSecret();
  await SecondFactor.query(trx).insert({
    id,
    clientId: client.id,
    kind: 'totp',
    label: 'authenticator app',
    secret: sealer.seal(secret, purposeOf(id)),
    createdAt: now,
  });
  const uri = generateURI({ issuer: ISSUER, label: client.email, secret });
  return { id, secret, uri, qrCode: await toDataURL(uri) };
}

export type TotpProof = 'right' | 'wrong' | 'used';

/**
 * Checks a code and uses it up: the same one, or an older one, is never right again, however many
 * come at once (RFC 6238, 5.2).
 */
export async function proveTotp(
  trx: Knex.Transaction,
  sealer: Sealer,
  factor: SecondFactor,
  { code, now }: { code: string; now: Date },
): Promise<TotpProof> {
  if (!TOTP_CODE.test(code)) return 'wrong';
  const result = verifySync({
    secret: sealer.open(factor.secret!, purposeOf(factor.id)),
    token: code,
    epoch: Math.floor(now.getTime() / 1_000),
    epochTolerance: TOLERANCE_SECONDS,
  });
  if (!result.valid || !('timeStep' in result)) return 'wrong';
  const step = result.timeStep;
  const used = await SecondFactor.query(trx)
    .findById(factor.id)
    .where((query) => void query.whereNull('last_step').orWhere('last_step', '<', step))
    .patch({ lastStep: BigInt(step), lastUsedAt: now });
  return used === 1 ? 'right' : 'used';
}
