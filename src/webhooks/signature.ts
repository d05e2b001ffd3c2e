import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;

/** A new secret, as its owner keeps it: `whsec_` and base64 of 32 random bytes. */
export const newSecret = (): string => PREFIX + randomBytes(SECRET_BYTES).toString('base64');

/** One message as it is signed: the very bytes of the body. */
export interface SignedMessage {
  readonly id: string;
  /** Now, at each attempt: a receiver refuses what is old. */
  readonly sentAt: Date;
  readonly body: string;
}

/**
 * The headers of a Standard Webhook (https://www.standardwebhooks.com, version 1): HMAC-SHA256 over id,
 * time and body, with each secret that is valid.
 * @param secrets as their owner keeps them, the current one first
 */
export function signatureHeaders(
  secrets: readonly string[],
  { id, sentAt, body }: SignedMessage,
): Record<string, string> {
  const timestamp = String(Math.floor(sentAt.getTime() / 1_000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
    const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`);
    return `v1,${hmac.digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}
