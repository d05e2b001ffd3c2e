import { setTimeout as sleep } from 'node:timers/promises';
import type { Middleware } from '../http/context.js';

/**
 * Longer than it takes to look something up, write it and put a mail into the list. Whether that was
 * done must not be told by how long the answer took; hashing a password takes its time besides.
 */
const AT_LEAST_MS = 120;

/** Answers no sooner than that, refusals too. */
export const answerEvenly: Middleware = async (_ctx, next) => {
  const enough = sleep(AT_LEAST_MS);
  try {
    await next();
  } finally {
    await enough;
  }
};
