import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { DomainError, invalid, notFound } from '../errors.js';
import { type ClientDetails, lockClient, updateClient } from './model.js';
import { normalizePhone } from './phone-number.js';
import type { ChangeDetailsBody } from './schema.js';

const UNIQUE_VIOLATION = '23505';

export const isTaken = (error: unknown): boolean =>
  (error as { code?: unknown } | null)?.code === UNIQUE_VIOLATION;

/**
 * Changes where a client lives or can be called. Names and the date of birth are compliance's: they
 * were checked against documents.
 * @throws DomainError 422 for a number that cannot exist, 409 for one that cannot be used
 */
export async function changeDetails(
  trx: Knex.Transaction,
  by: Actor,
  id: string,
  { phone: text, address }: ChangeDetailsBody,
  now: Date,
): Promise<ClientDetails> {
  const before = await lockClient(trx, id);
  if (!before) throw notFound('client');
  const country = (address ?? before.address)?.country ?? '';
  const phone = text === undefined ? before.phone : requirePhone(text, country);
  const after = { ...before, phone, address: address ?? before.address };
  const changes = { phone, address: after.address };
  await updateClient(trx, id, now, changes).catch((error: unknown) => {
    throw isTaken(error) ? phoneTaken() : error;
  });
  await recordAct(trx, by, {
    action: 'client.details_changed',
    subject: { client_id: id },
    before: { phone: before.phone, address: before.address },
    after: changes,
  });
  return after;
}

function requirePhone(text: string, country: string): string {
  const phone = normalizePhone(text, country);
  if (phone !== null) return phone;
  const message = 'phone is not a telephone number; write it as +12025550123';
  throw invalid(`The body is not valid: ${message}`, { errors: [{ field: 'phone', message }] });
}

const phoneTaken = (): DomainError =>
  new DomainError(
    'conflict',
    40910000,
    'This phone number cannot be used. If it is yours, write to support@brokerx.example',
    { field: 'phone' },
  );
