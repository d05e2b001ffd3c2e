import { createHmac } from 'node:crypto';

/**
 * The headers of a Standard Webhook (https://www.standardwebhooks.com, version 1): HMAC-SHA256 over id,
 * time and body.
 * @param sentAt now: whoever receives it refuses what is old
 */
export function signatureHeaders(
  secret: string,
  { id, sentAt, body }: { id: string; sentAt: Date; body: string },
): Record<string, string> {
  const timestamp = String(Math.floor(sentAt.getTime() / 1_000));
  const hmac = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`);
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${hmac.digest('base64')}`,
  };
}
