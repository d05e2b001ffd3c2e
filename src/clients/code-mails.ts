import type { Knex } from 'knex';
import { DomainError, invalid } from '../errors.js';
import type { CodePurpose, OneTimeCodes } from '../identity/one-time-codes.js';
import type { Sealer } from '../identity/sealer.js';
import type { MailKind } from '../notifications/account-mails.js';
import { codeSecret } from '../notifications/mail-template.js';
import { enqueueMail } from '../notifications/mails.js';
import { lockClient, lockClientByEmail, type ClientDetails } from './model.js';

/** What sends codes and takes them back. */
export interface CodeMailDeps {
  readonly sealer: Sealer;
  readonly codes: OneTimeCodes;
  /** What the links in mails begin with. */
  readonly publicUrl: string;
  readonly now: () => Date;
}

export interface CodeMail {
  readonly clientId: string;
  readonly purpose: CodePurpose;
  readonly kind: MailKind;
  readonly to: string;
  /** For the mail's template. */
  readonly data?: Readonly<Record<string, string>>;
  /** Comes back when the code is used. */
  readonly keep?: Record<string, string>;
}

/**
 * Makes up a code and sends it, with a link that does the same.
 * @throws DomainError 429 when too many were asked for within an hour
 */
export async function mailCode(
  { sealer, codes, publicUrl, now }: CodeMailDeps,
  trx: Knex.Transaction,
  { clientId, purpose, kind, to, data = {}, keep = {} }: CodeMail,
): Promise<void> {
  const issued = await codes.issue(trx, clientId, purpose, { now: now(), data: keep });
  await enqueueMail(trx, sealer, {
    kind,
    to,
    clientId,
    data: { ...data, link: `${publicUrl}/confirm/${purpose}` },
    secret: codeSecret(issued),
    expiresAt: issued.expiresAt,
  });
}

/**
 * The same for somebody who must not learn whether there is such a client: beyond the limit nothing
 * is sent, and nothing said.
 * @returns whether it was sent
 */
export async function mailCodeQuietly(
  deps: CodeMailDeps,
  trx: Knex.Transaction,
  mail: CodeMail,
): Promise<boolean> {
  try {
    await mailCode(deps, trx, mail);
    return true;
  } catch (error) {
    if (error instanceof DomainError && error.kind === 'rate_limited') return false;
    throw error;
  }
}

/** What somebody got by mail: the code, which is worth something with its address only, or a link. */
export type Proof = { readonly email: string; readonly code: string } | { readonly token: string };

export interface Redeemed {
  /** Locked. Null when nobody has the address or the token. */
  readonly client: ClientDetails | null;
  /** What was kept with the code; null when it is not good. Its failure is counted then. */
  readonly kept: Readonly<Record<string, string>> | null;
}

/** Uses a code or a link; the client is locked before the code, as everywhere. */
export async function redeemProof(
  { codes, now }: Pick<CodeMailDeps, 'codes' | 'now'>,
  trx: Knex.Transaction,
  purpose: CodePurpose,
  proof: Proof,
): Promise<Redeemed> {
  if ('token' in proof) {
    const at = { token: proof.token, now: now() };
    const owner = await codes.ownerOf(trx, purpose, at);
    const client = owner === null ? undefined : await lockClient(trx, owner);
    const redeemed = client ? await codes.redeemToken(trx, purpose, at) : null;
    return { client: client ?? null, kept: redeemed?.data ?? null };
  }
  const client = await lockClientByEmail(trx, proof.email);
  if (!client) return { client: null, kept: null };
  const at = { code: proof.code, now: now() };
  const redeemed = await codes.redeem(trx, client.id, purpose, at);
  return { client, kept: redeemed?.data ?? null };
}

/** 422: why exactly is not told. */
export function wrongCode(proof: Proof | { readonly code: string }): DomainError {
  const field = 'token' in proof ? 'token' : 'code';
  const message = `${field} is wrong, was used or has expired; ask for a new one`;
  return invalid(`The body is not valid: ${message}`, { errors: [{ field, message }] });
}
