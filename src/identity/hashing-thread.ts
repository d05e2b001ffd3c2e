import { hashSync, verifySync } from '@node-rs/argon2';

/** OWASP's minimum for argon2id: 19 MiB, two passes; 7 to 31 ms, by the machine. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** What a thread of hashing.ts does; this file is loaded by piscina in a thread of its own. */
export const hashInThread = (password: string): string => hashSync(password, COST);

export const verifyInThread = ({ hash, password }: { hash: string; password: string }): boolean =>
  verifySync(hash, password);
