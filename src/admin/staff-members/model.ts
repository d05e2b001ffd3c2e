import type { Knex } from 'knex';
import { newId } from '../../ids.js';
import type { ClientStatus } from '../../identity/model.js';
import type { Role } from '../../identity/principal.js';

export const STAFF_ROLES = ['ops', 'compliance', 'admin'] as const satisfies readonly Role[];
export type StaffRole = (typeof STAFF_ROLES)[number];

/** Somebody who works for the house. */
export interface StaffRow {
  readonly id: string;
  readonly email: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly role: StaffRole;
  readonly status: ClientStatus;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface StaffFilter {
  readonly role?: StaffRole;
  readonly active?: boolean;
  /** Only older ones than this id. */
  readonly page_token?: string;
  readonly limit: number;
}

const COLUMNS = [
  'id',
  'email',
  'first_name',
  'last_name',
  'role',
  'status',
  'created_at',
  'updated_at',
];

const staff = (knex: Knex) =>
  knex('clients')
    .whereNot('role', 'client')
    .select<StaffRow[]>(...COLUMNS);

/** A page of the staff, the newest first. */
export async function listStaff(knex: Knex, filter: StaffFilter): Promise<StaffRow[]> {
  const query = staff(knex).orderBy('id', 'desc').limit(filter.limit);
  if (filter.role) void query.where({ role: filter.role });
  if (filter.active === true) void query.where({ status: 'active' });
  if (filter.active === false) void query.whereNot({ status: 'active' });
  if (filter.page_token) void query.where('id', '<', filter.page_token);
  return await query;
}

/** Nobody else changes the member until this transaction has ended. */
export const lockStaff = async (trx: Knex.Transaction, id: string): Promise<StaffRow | undefined> =>
  (await staff(trx).where({ id }).forNoKeyUpdate())[0];

/** One change of the admins after the other: two at once could each spare the other's last one. */
export const lockActiveAdmins = async (trx: Knex.Transaction): Promise<string[]> => {
  const admins = await staff(trx)
    .where({ role: 'admin', status: 'active' })
    .orderBy('id')
    .forNoKeyUpdate();
  return admins.map(({ id }) => id);
};

export type NewMember = Pick<StaffRow, 'email' | 'first_name' | 'last_name' | 'role'>;

/** @returns undefined when the address is taken */
export async function insertStaff(
  trx: Knex.Transaction,
  member: NewMember,
): Promise<StaffRow | undefined> {
  const [row] = await trx('clients')
    .insert({ ...member, id: newId(), status: 'active' })
    .onConflict()
    .ignore()
    .returning<StaffRow[]>(COLUMNS);
  return row;
}

export async function updateStaff(
  trx: Knex.Transaction,
  id: string,
  change: Partial<Pick<StaffRow, 'role' | 'status'>> & { status_reason: string },
): Promise<StaffRow> {
  const [row] = await trx('clients')
    .where({ id })
    .update({ ...change, updated_at: new Date() })
    .returning<StaffRow[]>(COLUMNS);
  return row!;
}

export const isTaken = async (knex: Knex, email: string): Promise<boolean> =>
  (await knex('clients').where({ email }).whereNot('status', 'closed').first('id')) !== undefined;
