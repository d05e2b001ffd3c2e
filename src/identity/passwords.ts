import { randomUUID } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { unavailable } from '../errors.js';

/** OWASP's minimum for argon2id: 19 MiB, two passes; 31 ms on the reference machine. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const CONCURRENT_MAX = 2;
const WAITING_MAX = 200;

/** The hash of nothing anybody knows: an unknown user costs as much time as a known one. */
let nobody: Promise<string> | undefined;

let running = 0;
const waiting: (() => void)[] = [];

/** Hashing is slow on purpose: a slot keeps logins from taking the cores and memory of orders. */
async function inSlot<T>(work: () => Promise<T>): Promise<T> {
  if (running >= CONCURRENT_MAX) {
    if (waiting.length >= WAITING_MAX) throw unavailable('Too many logins at once; try again');
    await new Promise<void>((resolve) => waiting.push(resolve)); // the slot is handed over
  } else running += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

/** Hashes a password with argon2id, for `clients.password_hash`. */
export const hashPassword = (password: string): Promise<string> =>
  inSlot(() => hash(password, COST));

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
  inSlot(async () => {
    await beforehand();
    const matches = await verify(
      passwordHash ?? (await (nobody ??= hash(randomUUID(), COST))),
      password,
    );
    return matches && passwordHash !== null;
  });
