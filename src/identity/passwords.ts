import { randomUUID } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { Slots } from '../slots.js';

/** OWASP's minimum for argon2id: 19 MiB, two passes; 31 ms on the reference machine. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const CONCURRENT_MAX = 2;
const WAITING_MAX = 200;

/** The hash of nothing anybody knows: an unknown user costs as much time as a known one. */
let nobody: Promise<string> | undefined;

/** Hashing is slow on purpose: a slot keeps logins from taking the cores and memory of orders. */
const slots = new Slots(CONCURRENT_MAX, WAITING_MAX, 'Too many logins at once; try again');

/** Hashes a password with argon2id, for `clients.password_hash`. */
export const hashPassword = (password: string): Promise<string> =>
  slots.run(() => hash(password, COST));

/**
 * Checks a password, in the same time whether there is such a user or not.
 * @param passwordHash null when there is no such user, or none with a password
 * @param beforehand   runs when it is this check's turn, and may refuse it by throwing
 */
export const verifyPassword = (
  password: string,
  passwordHash: string | null,
  beforehand: () => Promise<void>,
): Promise<boolean> =>
  slots.run(async () => {
    await beforehand();
    const matches = await verify(
      passwordHash ?? (await (nobody ??= hash(randomUUID(), COST))),
      password,
    );
    return matches && passwordHash !== null;
  });
