import { randomInt } from 'node:crypto';
import type { Knex } from 'knex';
import type { Sealer } from '../identity/sealer.js';

const CODES = 10;
/** Without letters and digits that look alike: 50 bits a code. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const HALF = 5;
export const RECOVERY_CODE = /^[a-z2-9]{5}-?[a-z2-9]{5}$/i;

/** Makes up ten codes for somebody who has lost their factor; earlier ones end. Shown once. */
export async function makeRecoveryCodes(
  trx: Knex.Transaction,
  sealer: Sealer,
  clientId: string,
  now: Date,
): Promise<string[]> {
  await trx('recovery_codes').where({ client_id: clientId }).delete();
  const codes = Array.from({ length: CODES }, () => `${randomHalf()}-${randomHalf()}`);
  await trx('recovery_codes').insert(
    codes.map((code) => ({
      client_id: clientId,
      code_hash: hashOf(sealer, clientId, code),
      created_at: now,
    })),
  );
  return codes;
}

/** Uses a code. @returns false when it is none of theirs, or was used */
export async function useRecoveryCode(
  trx: Knex.Transaction,
  sealer: Sealer,
  clientId: string,
  { code, now }: { code: string; now: Date },
): Promise<boolean> {
  if (!RECOVERY_CODE.test(code)) return false;
  const used = await trx('recovery_codes')
    .where({ client_id: clientId, code_hash: hashOf(sealer, clientId, code) })
    .whereNull('used_at')
    .update({ used_at: now });
  return used === 1;
}

/** How many are left. */
export async function countRecoveryCodes(knex: Knex, clientId: string): Promise<number> {
  const row = await knex('recovery_codes')
    .where({ client_id: clientId })
    .whereNull('used_at')
    .count('* as left')
    .first<{ left: bigint }>();
  return Number(row.left);
}

const randomHalf = (): string =>
  Array.from({ length: HALF }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');

const hashOf = (sealer: Sealer, clientId: string, code: string): Buffer =>
  sealer.fingerprint(`recovery ${clientId} ${code.toLowerCase().replace('-', '')}`);
