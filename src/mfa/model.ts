import type { Knex } from 'knex';
import { Model, snakeCaseMappers } from 'objection';

export type FactorKind = 'totp' | 'email' | 'webauthn';

/** What proves, besides the password, who somebody is. */
export class SecondFactor extends Model {
  static override tableName = 'second_factors';
  static override columnNameMappers = snakeCaseMappers();

  declare id: string;
  declare clientId: string;
  declare kind: FactorKind;
  declare label: string;
  /** Of a TOTP, sealed. */
  declare secret: Buffer | null;
  /** Of a TOTP: the last 30 s whose code was used. */
  declare lastStep: bigint | null;
  /** Of a passkey, base64url. */
  declare credentialId: string | null;
  declare publicKey: Buffer | null;
  declare signCount: bigint | null;
  declare transports: string[] | null;
  declare createdAt: Date;
  declare confirmedAt: Date | null;
  declare lastUsedAt: Date | null;
}

/** What a client has set up and confirmed, the oldest first. */
export const factorsOf = (knex: Knex, clientId: string): Promise<SecondFactor[]> =>
  SecondFactor.query(knex)
    .where({ client_id: clientId })
    .whereNotNull('confirmed_at')
    .orderBy('created_at')
    .execute();

export const presentFactor = (factor: SecondFactor): Record<string, unknown> => ({
  id: factor.id,
  kind: factor.kind,
  label: factor.label,
  created_at: factor.createdAt.toISOString(),
  last_used_at: factor.lastUsedAt?.toISOString() ?? null,
});
