import { randomUUID } from 'node:crypto';
import { dictionary } from '@zxcvbn-ts/language-common';
import { invalid } from '../errors.js';
import { Slots } from '../slots.js';
import { argon2id, HASHING_THREADS, isArgon2idOf } from './hashing.js';

const WAITING_MAX = 200;

/** The hash of nothing anybody knows: an unknown user costs as much time as a known one. */
let nobody: Promise<string> | undefined;

/** Hashing is slow on purpose: a slot keeps logins from taking the cores and memory of orders. */
const slots = new Slots(HASHING_THREADS, WAITING_MAX, 'Too many logins at once; try again');

/** Hashes a password with argon2id, for `clients.password_hash`. */
export const hashPassword = (password: string): Promise<string> =>
  slots.run(() => argon2id(password));

/** What belongs to a check and is done in its turn: the next one sees it. */
export interface CheckTurn {
  /** May refuse the check by throwing. */
  readonly before: () => Promise<unknown>;
  readonly whenWrong?: () => Promise<void>;
  readonly whenRight?: () => Promise<void>;
}

/**
 * Checks a password, in the same time whether there is such a user or not.
 * @param passwordHash null when there is no such user, or none with a password
 */
export const verifyPassword = (
  password: string,
  passwordHash: string | null,
  { before, whenWrong, whenRight }: CheckTurn,
): Promise<boolean> =>
  slots.run(async () => {
    await before();
    const hash = passwordHash ?? (await (nobody ??= argon2id(randomUUID())));
    const matches = await isArgon2idOf(hash, password);
    const isRight = matches && passwordHash !== null;
    await (isRight ? whenRight : whenWrong)?.();
    return isRight;
  });

export const PASSWORD_LENGTH = { min: 8, max: 128 } as const;

/** By how often they occur in leaks; ASVS 5.0 (6.2.4) asks for the first 3,000, here are all. */
const COMMON: ReadonlySet<string> = new Set(dictionary['passwords-common']);

/** Whom a password must not be named after. */
export interface PasswordOwner {
  readonly email: string;
  readonly firstName?: string;
  readonly lastName?: string;
}

/**
 * Checks a new password: 8 to 128 characters, none of the common ones, and not the owner's own name or
 * address with a few digits. What it is made of is not prescribed (NIST SP 800-63B).
 * @param field what the request calls it
 * @throws DomainError 422 with `errors: [{field, message}]`
 */
export function requireGoodPassword(
  password: string,
  owner: PasswordOwner,
  field = 'password',
): void {
  const fault = passwordFault(password, owner);
  if (fault === null) return;
  const message = `${field} ${fault}`;
  throw invalid(`The body is not valid: ${message}`, { errors: [{ field, message }] });
}

/** What is wrong with a new password, as `requireGoodPassword` says it; null when nothing is. */
export function passwordFault(password: string, owner: PasswordOwner): string | null {
  const { min, max } = PASSWORD_LENGTH;
  const length = Array.from(password).length; // in code points: an emoji is one
  if (length < min || length > max)
    return `must have ${min} to ${max} characters; it has ${length}`;
  if (COMMON.has(password.toLowerCase())) return 'is one of the commonest; choose another';
  return isNamedAfter(owner, password) ? 'is made of your name or e-mail address' : null;
}

const lettersOf = (text: string): string => text.toLowerCase().replaceAll(/[^\p{L}\p{M}]/gu, '');

/** "Al" says nothing about "al-1234567". */
const NAME_LENGTH_MIN = 3;

function isNamedAfter(owner: PasswordOwner, password: string): boolean {
  const { email, firstName = '', lastName = '' } = owner;
  if (password.toLowerCase() === email) return true;
  const letters = lettersOf(password);
  const [local = ''] = email.split('@');
  const names = [email, local, firstName, lastName, firstName + lastName, lastName + firstName];
  return letters.length >= NAME_LENGTH_MIN && names.some((name) => lettersOf(name) === letters);
}
