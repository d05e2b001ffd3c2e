import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.js';
import type { Database } from '../db.js';
import type { Logger } from '../log.js';
import { MailRefused, type Refusal } from './mail-refused.js';
import type { Mailer } from './mailer.js';

/** What mails of every kind are delivered with. */
export interface DeliverDeps {
  readonly db: Pick<Database, 'knex'>;
  readonly mailer: Mailer;
  readonly log: Logger;
  readonly config: Pick<Config, 'mailsPerSecond'>;
  readonly now?: () => Date;
  /** Told of each mail that was given up. Must neither wait nor throw. */
  readonly onDead?: (letter: DeadLetter) => void;
}

/** A mail that was tried often enough. */
export interface DeadLetter {
  readonly id: string;
  readonly reason: string;
}

/** How long what was claimed belongs to the claimer; then another worker may take it. */
export const LEASE_MS = 60_000;
export const SEND_TIMEOUT_MS = 20_000;
/** No mail is begun so late that its lease could run out under it. */
export const SENDING_MS = LEASE_MS - SEND_TIMEOUT_MS;

/** About 15 hours with the pauses below; then it is a dead letter. */
export const MAX_ATTEMPTS = 24;
const BACKOFF_FIRST_MS = 5_000;
const BACKOFF_MAX_MS = 3_600_000;
const ERROR_LENGTH_MAX = 500;

/**
 * When to try again: the pause doubles with every failure up to an hour, less up to half of it at
 * random, so that what failed together does not come back together.
 * @param attempts how often it was tried, from 1
 * @param random   0 up to 1
 * @returns null when it was tried often enough
 */
export function nextAttempt(attempts: number, now: Date, random: number): Date | null {
  if (attempts >= MAX_ATTEMPTS) return null;
  const pauseMs = Math.min(BACKOFF_FIRST_MS * 2 ** (attempts - 1), BACKOFF_MAX_MS);
  return new Date(now.getTime() + pauseMs * (1 - random / 2));
}

/** @throws Error when the mail was not sent in time */
export async function withTimeout(work: Promise<void>, timeoutMs: number): Promise<void> {
  const done = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: done.signal }).then(
    () => {
      throw new MailRefused('timeout', `the mail was not sent within ${timeoutMs / 1_000} s`);
    },
    () => undefined, // the work was done in time
  );
  try {
    await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}

/** An error's message as it is kept in a row. */
export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error))
    .replaceAll('\0', '')
    .slice(0, ERROR_LENGTH_MAX);

/** Why a mail was not sent, in a word: whose fault it was, `timeout`, or `other`. For metrics. */
export const failureKind = (error: unknown): Refusal =>
  error instanceof MailRefused ? error.refusal : 'other';
