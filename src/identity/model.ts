import { Model, snakeCaseMappers } from 'objection';
import type { Role, Scope } from './principal.js';

export type ClientStatus = 'pending' | 'active' | 'suspended' | 'rejected' | 'closed';

export interface PostalAddress {
  readonly street: string;
  readonly city: string;
  readonly region: string | null;
  readonly postal_code: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
}

/** A person: a client of the house, or staff. */
export class Client extends Model {
  static override tableName = 'clients';
  static override columnNameMappers = snakeCaseMappers();

  declare id: string;
  declare email: string;
  declare passwordHash: string | null;
  declare firstName: string;
  declare lastName: string;
  declare role: Role;
  declare status: ClientStatus;
  declare statusReason: string | null;
  /** E.164. */
  declare phone: string | null;
  declare dateOfBirth: Date | null;
  declare address: PostalAddress | null;
  declare emailVerifiedAt: Date | null;
  declare activatedAt: Date | null;
  declare createdAt: Date;
  declare updatedAt: Date;
}

/** A program's credential. Only the hash of its secret is kept. */
export class ApiKey extends Model {
  static override tableName = 'api_keys';
  static override columnNameMappers = snakeCaseMappers();

  declare id: string;
  declare clientId: string;
  declare accountId: string | null;
  declare secretHash: Buffer;
  declare scopes: Scope[];
  declare label: string;
  declare createdAt: Date;
  declare revokedAt: Date | null;
  declare expiresAt: Date | null;
  /** To the minute or so. */
  declare lastUsedAt: Date | null;
  declare lastUsedIp: string | null;
}
