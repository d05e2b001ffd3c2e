import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type * as thread from './hashing-thread.js';

/** A thread cannot load TypeScript under tsx: tests use what the build made of it. */
const THREAD = import.meta.url.endsWith('.ts')
  ? '../../dist/src/identity/hashing-thread.js'
  : './hashing-thread.js';

/** Of how many at once; the cores are there for orders. */
export const HASHING_THREADS = 1;

/** Linux gives a thread of this priority a tenth of a core that is busy, and all of an idle one. */
const NICENESS = 10;

/** Threads start with the first password, and do not keep a process alive. */
let pool: Piscina | undefined;

const inThread = <Name extends keyof typeof thread>(
  name: Name,
  task: Parameters<(typeof thread)[Name]>[0],
): Promise<ReturnType<(typeof thread)[Name]>> =>
  (pool ??= new Piscina({
    filename: fileURLToPath(new URL(THREAD, import.meta.url)),
    minThreads: 1,
    maxThreads: HASHING_THREADS,
    niceIncrement: NICENESS,
    execArgv: [], // not what the process itself was started with
  })).run(task, { name });

/** argon2id of a password, in the PHC string format. */
export const argon2id = (password: string): Promise<string> => inThread('hashInThread', password);

/** Whether this is the password of a hash. */
export const isArgon2idOf = (hash: string, password: string): Promise<boolean> =>
  inThread('verifyInThread', { hash, password });
