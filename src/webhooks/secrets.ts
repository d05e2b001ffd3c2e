import type { Sealer } from '../identity/sealer.js';
import type { Endpoint } from './model.js';

/** A secret is sealed for its endpoint: copied to another it does not open. */
const purposeOf = (endpointId: string): string => `webhook ${endpointId}`;

export const sealSecret = (sealer: Sealer, endpointId: string, secret: string): Buffer =>
  sealer.seal(secret, purposeOf(endpointId));

/**
 * The secrets that sign now: the current one, and that before it until its time is over.
 * @throws Error when SECRETS_KEY is not the one that they were sealed with
 */
export function openSecrets(
  sealer: Sealer,
  { id, secret, previousSecret, previousSecretUntil }: Endpoint,
  now: Date,
): string[] {
  const isOld =
    previousSecret !== null && previousSecretUntil !== null && previousSecretUntil > now;
  const sealed = isOld ? [secret, previousSecret] : [secret];
  return sealed.map((one) => sealer.open(one, purposeOf(id)));
}
