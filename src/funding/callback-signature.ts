import { createHmac, timingSafeEqual } from 'node:crypto';

/** A callback may be so old, or so far ahead of our clock; then it is a replay. */
export const TOLERANCE_MS = 5 * 60_000;

export type SignatureFault = 'missing' | 'too_old' | 'wrong_signature';

/** What was sent with a callback. */
export interface SignedCallback {
  /** Headers in lower case, as node has them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The very bytes that were sent. */
  readonly body: Buffer;
}

/**
 * Checks a callback as a Standard Webhook (https://www.standardwebhooks.com): HMAC-SHA256 over
 * `id.timestamp.body`, in one of the signatures that the header names, none older than five minutes.
 * @returns what is wrong with it, or its id
 */
export function verifySignature(
  secret: string,
  { headers, body }: SignedCallback,
  now: Date,
): { readonly id: string } | { readonly fault: SignatureFault } {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const signatures = headers['webhook-signature'];
  if (!isText(id) || !isText(timestamp) || !isText(signatures)) return { fault: 'missing' };
  const expected = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest();
  const isOurs = signatures
    .split(' ')
    .filter((signature) => signature.startsWith('v1,'))
    .map((signature) => Buffer.from(signature.slice('v1,'.length), 'base64'))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
  if (!isOurs) return { fault: 'wrong_signature' };
  const isFresh = Math.abs(now.getTime() - Number(timestamp) * 1_000) <= TOLERANCE_MS;
  return isFresh ? { id } : { fault: 'too_old' }; // not a number is not fresh
}

const isText = (header: unknown): header is string => typeof header === 'string' && header !== '';
