/** When a message is tried again, and when not any more. Times in milliseconds. */
export interface RetryTerms {
  readonly firstPauseMs: number;
  readonly pauseMaxMs: number;
  /** A receiver may ask for so long a pause at most. */
  readonly retryAfterMaxMs: number;
  /** A message is dead when it has failed for so long. */
  readonly giveUpMs: number;
  /** An endpoint is turned off when nothing has succeeded for so long. */
  readonly disableMs: number;
}

/**
 * When to try again: the pause doubles with every failure, less up to half of it at random, so that
 * what failed together does not come back together. The receiver may ask for more.
 * @param attempts     how often it was tried, from 1
 * @param retryAfterMs what the receiver has asked for, or null
 * @param random       0 up to 1
 */
export function nextAttemptAt(
  { firstPauseMs, pauseMaxMs, retryAfterMaxMs }: RetryTerms,
  {
    attempts,
    retryAfterMs,
    random,
  }: { attempts: number; retryAfterMs: number | null; random: number },
  now: Date,
): Date {
  const pauseMs = Math.min(firstPauseMs * 2 ** Math.min(attempts - 1, 30), pauseMaxMs);
  const askedMs = Math.min(retryAfterMs ?? 0, retryAfterMaxMs);
  return new Date(now.getTime() + Math.max(pauseMs * (1 - random / 2), askedMs));
}

const HAS_RETRY_AFTER: ReadonlySet<number> = new Set([429, 503]);

/**
 * The pause that a receiver asks for: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
 * @returns milliseconds from now; null when there is none, or it does not mean anything here
 */
export function readRetryAfter(
  status: number,
  header: string | undefined,
  now: Date,
): number | null {
  if (header === undefined || !HAS_RETRY_AFTER.has(status)) return null;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - now.getTime());
}
