import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type AuthenticationResponseJSON,
  type AuthenticatorTransport,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
} from '@simplewebauthn/server';
import type { Knex } from 'knex';
import { invalid } from '../errors.js';
import { newId } from '../ids.js';
import type { Client } from '../identity/model.js';
import { SecondFactor } from './model.js';
import type { RelyingParty } from './relying-party.js';

const NAME = 'BrokerX+';

type Descriptor = { id: string; transports: AuthenticatorTransport[] };

const describe = ({ credentialId, transports }: SecondFactor): Descriptor => ({
  id: credentialId!,
  transports: (transports ?? []) as AuthenticatorTransport[],
});

/** What a browser is asked to make; its `challenge` is to be kept until the answer. */
export const passkeyCreation = (
  party: RelyingParty,
  client: Client,
  existing: readonly SecondFactor[],
): Promise<PublicKeyCredentialCreationOptionsJSON> =>
  generateRegistrationOptions({
    rpName: NAME,
    rpID: party.id,
    userID: new TextEncoder().encode(client.id),
    userName: client.email,
    userDisplayName: `${client.firstName} ${client.lastName}`,
    attestationType: 'none',
    excludeCredentials: existing.map(describe),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
  });

/**
 * Checks what a browser has made, and keeps it.
 * @throws DomainError 422 when it does not answer the challenge, or is another client's already
 */
export async function addPasskey(
  trx: Knex.Transaction,
  party: RelyingParty,
  client: Client,
  answer: {
    response: RegistrationResponseJSON;
    challenge: string;
    label: string;
    now: Date;
  },
): Promise<SecondFactor> {
  const { response, challenge, label, now } = answer;
  const verified = await verifyRegistrationResponse({
    response,
    expectedChallenge: challenge,
    expectedOrigin: [...party.origins],
    expectedRPID: party.id,
    requireUserVerification: false, // it is a second factor: the password came first
  }).catch((error: unknown) => {
    throw invalid(`The passkey is not valid: ${(error as Error).message}`);
  });
  if (!verified.verified) throw invalid('The passkey is not valid');
  const { credential } = verified.registrationInfo;
  const known = await SecondFactor.query(trx).findOne({ credential_id: credential.id });
  if (known) throw invalid('This passkey is registered already');
  return await SecondFactor.query(trx).insertAndFetch({
    id: newId(),
    clientId: client.id,
    kind: 'webauthn',
    label,
    credentialId: credential.id,
    publicKey: Buffer.from(credential.publicKey),
    signCount: BigInt(credential.counter),
    transports: credential.transports ?? [],
    createdAt: now,
    confirmedAt: now,
  });
}

/** What a browser is asked to sign with one of these. */
export const passkeyRequest = (
  party: RelyingParty,
  passkeys: readonly SecondFactor[],
): Promise<PublicKeyCredentialRequestOptionsJSON> =>
  generateAuthenticationOptions({
    rpID: party.id,
    allowCredentials: passkeys.map(describe),
    userVerification: 'preferred',
  });

/** Checks a signature of one of the client's passkeys. A copied authenticator's count gives it away. */
export async function provePasskey(
  trx: Knex.Transaction,
  party: RelyingParty,
  passkeys: readonly SecondFactor[],
  {
    response,
    challenge,
    now,
  }: { response: AuthenticationResponseJSON; challenge: string; now: Date },
): Promise<boolean> {
  const passkey = passkeys.find(({ credentialId }) => credentialId === response.id);
  if (!passkey) return false;
  const result = await verifyAuthenticationResponse({
    response,
    expectedChallenge: challenge,
    expectedOrigin: [...party.origins],
    expectedRPID: party.id,
    requireUserVerification: false,
    credential: {
      id: passkey.credentialId!,
      publicKey: new Uint8Array(passkey.publicKey!),
      counter: Number(passkey.signCount),
    },
  }).catch(() => null); // malformed: as wrong as a bad signature
  if (!result?.verified) return false;
  const signCount = BigInt(result.authenticationInfo.newCounter);
  await SecondFactor.query(trx).findById(passkey.id).patch({ signCount, lastUsedAt: now });
  return true;
}
