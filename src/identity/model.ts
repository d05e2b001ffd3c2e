import { Model, snakeCaseMappers } from 'objection';
import type { Role, Scope } from './principal.js';

export type ClientStatus = 'pending' | 'active' | 'suspended' | 'rejected' | 'closed';

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
}
