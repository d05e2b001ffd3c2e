import type { Knex } from 'knex';
import type { ClientStatus } from '../identity/model.js';
import type { Role } from '../identity/principal.js';

/** Where a client lives; as it is kept and shown. */
export interface Address {
  readonly street: string;
  readonly city: string;
  readonly region: string | null;
  readonly postal_code: string;
  /** ISO 3166 alpha-2. */
  readonly country: string;
}

/** A client as the house knows them. Staff, and clients of earlier versions, have less. */
export interface ClientDetails {
  readonly id: string;
  readonly email: string;
  readonly passwordHash: string | null;
  /** E.164. */
  readonly phone: string | null;
  readonly firstName: string;
  readonly lastName: string;
  /** `YYYY-MM-DD`. */
  readonly dateOfBirth: string | null;
  readonly address: Address | null;
  readonly role: Role;
  readonly status: ClientStatus;
  readonly statusReason: string | null;
  readonly emailVerifiedAt: Date | null;
  /** Since when mail servers say that there is no such mailbox, and what they said. */
  readonly emailUndeliverableAt: Date | null;
  readonly emailUndeliverableReason: string | null;
  readonly createdAt: Date;
  readonly activatedAt: Date | null;
}

export const CLIENT_COLUMNS = `c.id, c.email, c.password_hash as "passwordHash", c.phone,
  c.first_name as "firstName", c.last_name as "lastName",
  to_char(c.date_of_birth, 'YYYY-MM-DD') as "dateOfBirth", c.address, c.role, c.status,
  c.status_reason as "statusReason", c.email_verified_at as "emailVerifiedAt",
  c.email_undeliverable_at as "emailUndeliverableAt",
  c.email_undeliverable_reason as "emailUndeliverableReason",
  c.created_at as "createdAt", c.activated_at as "activatedAt"`;

const select = (knex: Knex, where: Readonly<Record<string, string>>) =>
  knex('clients as c').select<ClientDetails[]>(knex.raw(CLIENT_COLUMNS)).where(where).limit(1);

export async function findClient(knex: Knex, id: string): Promise<ClientDetails | undefined> {
  const [found] = await select(knex, { 'c.id': id });
  return found;
}

/** The client, whom nobody else changes until the transaction ends. */
export async function lockClient(
  trx: Knex.Transaction,
  id: string,
): Promise<ClientDetails | undefined> {
  const [found] = await select(trx, { 'c.id': id }).forNoKeyUpdate();
  return found;
}

/**
 * Whoever has this address or number and is not gone, locked as by `lockClient`.
 * @param value in its normal form
 */
async function lockHolder(
  trx: Knex.Transaction,
  column: 'email' | 'phone',
  value: string,
): Promise<ClientDetails | undefined> {
  const [found] = await select(trx, { [`c.${column}`]: value })
    .whereNot({ 'c.status': 'closed' })
    .forNoKeyUpdate();
  return found;
}

export const lockClientByEmail = (trx: Knex.Transaction, email: string) =>
  lockHolder(trx, 'email', email);

export const lockClientByPhone = (trx: Knex.Transaction, phone: string) =>
  lockHolder(trx, 'phone', phone);

/** Nobody has shown that the address is theirs. */
export const isUnconfirmed = ({ status, emailVerifiedAt }: ClientDetails): boolean =>
  status === 'pending' && emailVerifiedAt === null;

/** @param changes columns and values */
export async function updateClient(
  trx: Knex.Transaction,
  id: string,
  now: Date,
  changes: Readonly<Record<string, unknown>>,
): Promise<void> {
  await trx('clients')
    .where({ id })
    .update({ ...changes, updated_at: now });
}
