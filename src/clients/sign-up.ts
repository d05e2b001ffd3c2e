import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { dateText } from '../http/calendar-date.js';
import { birthFault } from '../domain/age.js';
import { invalid } from '../errors.js';
import { newId } from '../ids.js';
import { passwordFault } from '../identity/passwords.js';
import { enqueueMail } from '../notifications/mails.js';
import { closeSignUp } from './close-sign-up.js';
import { type CodeMailDeps, mailCodeQuietly } from './code-mails.js';
import {
  isUnconfirmed,
  lockClientByEmail,
  lockClientByPhone,
  type Address,
  type ClientDetails,
} from './model.js';
import { normalizePhone } from './phone-number.js';
import type { SignUpBody } from './schema.js';

/** What somebody tells of themselves, checked and in normal form. */
export interface SignUp {
  readonly email: string;
  /** E.164. */
  readonly phone: string;
  readonly firstName: string;
  readonly lastName: string;
  /** `YYYY-MM-DD`. */
  readonly dateOfBirth: string;
  readonly address: Address;
}

/**
 * Checks what the schema cannot: the age, the number, the password.
 * @throws DomainError 422 with `errors: [{field, message}]`, all of them
 */
export function checkSignUp(body: SignUpBody, today: Date): SignUp {
  const { email, first_name: firstName, last_name: lastName, address } = body;
  const dateOfBirth = dateText(body.date_of_birth);
  const phone = normalizePhone(body.phone, address.country);
  const faults = {
    phone: phone === null ? 'is not a telephone number; write it as +12025550123' : null,
    date_of_birth: birthFault(dateOfBirth, dateText(today)),
    password: passwordFault(body.password, { email, firstName, lastName }),
  };
  const errors = Object.entries(faults).flatMap(([field, fault]) =>
    fault === null ? [] : [{ field, message: `${field} ${fault}` }],
  );
  if (errors[0]) throw invalid(`The body is not valid: ${errors[0].message}`, { errors });
  return { email, phone: phone!, firstName, lastName, dateOfBirth, address };
}

/**
 * Signs somebody up, or tells by mail why that was not done: whoever asks cannot learn from the
 * answer which addresses and numbers we know. The owner of a number is told nothing: anybody can
 * give any number, and we would only carry it around.
 */
export async function signUp(
  deps: CodeMailDeps,
  trx: Knex.Transaction,
  by: Actor,
  input: SignUp & { readonly passwordHash: string },
): Promise<void> {
  const clientId = await insertOrReplace(deps, trx, by, input);
  if (clientId === null) return;
  await sendVerification(deps, trx, { id: clientId, email: input.email });
  await recordAct(trx, by, {
    action: 'client.signed_up',
    subject: { client_id: clientId },
    after: { status: 'pending' },
  });
}

/** @returns null when it was not done, and the mail says so */
async function insertOrReplace(
  deps: CodeMailDeps,
  trx: Knex.Transaction,
  by: Actor,
  input: SignUp & { readonly passwordHash: string },
): Promise<string | null> {
  const clientId = await insertPending(trx, input, deps.now());
  if (clientId !== null) return clientId;
  const holder = await lockClientByEmail(trx, input.email);
  if (holder) {
    await tellHolder(deps, trx, by, holder);
    return null;
  }
  const owner = await lockClientByPhone(trx, input.phone);
  // Whoever mistyped their address signs up again with the same number; nor may anybody block it.
  if (owner && isUnconfirmed(owner)) {
    await closeSignUp(deps, trx, by, owner.id, 'sign-up replaced');
    const replacing = await insertPending(trx, input, deps.now());
    if (replacing !== null) return replacing;
  }
  await tellPhoneTaken(deps, trx, by, input.email, owner?.id ?? null);
  return null;
}

/** @returns null when the address or the number is a client's already */
async function insertPending(
  trx: Knex.Transaction,
  input: SignUp & { readonly passwordHash: string },
  now: Date,
): Promise<string | null> {
  const id = newId();
  const inserted = await trx('clients')
    .insert({
      id,
      email: input.email,
      password_hash: input.passwordHash,
      first_name: input.firstName,
      last_name: input.lastName,
      phone: input.phone,
      date_of_birth: input.dateOfBirth,
      address: input.address,
      role: 'client',
      status: 'pending',
      created_at: now,
      updated_at: now,
    })
    .onConflict()
    .ignore()
    .returning('id');
  return inserted.length === 0 ? null : id;
}

const sendVerification = (
  deps: CodeMailDeps,
  trx: Knex.Transaction,
  { id, email }: Pick<ClientDetails, 'id' | 'email'>,
): Promise<boolean> =>
  mailCodeQuietly(deps, trx, {
    clientId: id,
    purpose: 'verify_email',
    kind: 'verify_email',
    to: email,
  });

/** A new code for whoever has not confirmed the address; for everybody else a way back in. */
async function tellHolder(
  deps: CodeMailDeps,
  trx: Knex.Transaction,
  by: Actor,
  holder: ClientDetails,
): Promise<void> {
  await (isUnconfirmed(holder)
    ? sendVerification(deps, trx, holder)
    : mailCodeQuietly(deps, trx, {
        clientId: holder.id,
        purpose: 'reset_password',
        kind: 'sign_up_exists',
        to: holder.email,
      }));
  await recordAct(trx, by, {
    action: 'client.sign_up_refused',
    subject: { client_id: holder.id },
    reason: 'the e-mail address has a client',
  });
}

const HOUR_MS = 3_600_000;
/** To one address within an hour: it is somebody's, who may not have asked for any of this. */
const PHONE_MAILS_MAX = 3;

async function tellPhoneTaken(
  { sealer, now }: CodeMailDeps,
  trx: Knex.Transaction,
  by: Actor,
  email: string,
  ownerId: string | null,
): Promise<void> {
  const kind = 'sign_up_phone_taken';
  const since = new Date(now().getTime() - HOUR_MS);
  const sent = await trx('mails')
    .where({ recipient: email, kind })
    .where('created_at', '>', since)
    .select('id');
  if (sent.length < PHONE_MAILS_MAX) {
    await enqueueMail(trx, sealer, { kind, to: email, clientId: null, data: {} });
  }
  await recordAct(trx, by, {
    action: 'client.sign_up_refused',
    subject: { client_id: ownerId },
    reason: 'the telephone number has a client',
  });
}

/** Sends a new code to whoever waits for one; to nobody else, and says nothing about it. */
export async function resendVerification(
  deps: CodeMailDeps,
  trx: Knex.Transaction,
  by: Actor,
  email: string,
): Promise<void> {
  const client = await lockClientByEmail(trx, email);
  if (!client || !isUnconfirmed(client)) return;
  if (!(await sendVerification(deps, trx, client))) return;
  await recordAct(trx, by, { action: 'client.code_sent', subject: { client_id: client.id } });
}
