import type { Knex } from 'knex';
import { recordAct, type Actor } from '../audit/record.js';
import { DomainError, invalid, notFound } from '../errors.js';
import { enqueueMail } from '../notifications/mails.js';
import { forgetUndeliverable } from '../notifications/undeliverable.js';
import { notify } from '../notifications/notify.js';
import { type CodeMailDeps, mailCode, redeemProof, wrongCode } from './code-mails.js';
import { isTaken } from './details.js';
import { type ClientDetails, lockClient, updateClient } from './model.js';
import { refuseCode } from './verify-email.js';

/**
 * Sends a code to the new address and a notice to the old one. An address that is somebody else's gets
 * no code but is told: whoever asks sees no difference.
 * @throws DomainError 422 when it is the same address, 429 when asked too often
 */
export async function askForEmailChange(
  deps: CodeMailDeps,
  trx: Knex.Transaction,
  by: Actor,
  clientId: string,
  email: string,
): Promise<void> {
  const client = await lockClient(trx, clientId);
  if (!client) throw notFound('client');
  if (client.email === email) {
    const message = 'email is your address already';
    throw invalid(`The body is not valid: ${message}`, { errors: [{ field: 'email', message }] });
  }
  await mailToNew(deps, trx, client, email);
  const data = { first_name: client.firstName, at: deps.now().toISOString() };
  const notice = { kind: 'email_change_asked', to: client.email, clientId, data } as const;
  await enqueueMail(trx, deps.sealer, notice);
  await recordAct(trx, by, {
    action: 'email.change_asked',
    subject: { client_id: clientId },
    before: { email: client.email },
    after: { email },
  });
}

/** The code is made up in either case: it is what is counted. */
async function mailToNew(
  deps: CodeMailDeps,
  trx: Knex.Transaction,
  { id }: ClientDetails,
  email: string,
): Promise<void> {
  const { codes, sealer, now } = deps;
  const keep = { email };
  const holder = await trx('clients')
    .where({ email })
    .whereNot({ status: 'closed' })
    .first<{ id: string } | undefined>('id');
  if (!holder) {
    const mail = {
      clientId: id,
      purpose: 'change_email',
      kind: 'change_email',
      to: email,
    } as const;
    await mailCode(deps, trx, { ...mail, keep });
    return;
  }
  await codes.issue(trx, id, 'change_email', { now: now(), data: keep });
  const told = { kind: 'email_in_use', to: email, clientId: holder.id, data: {} } as const;
  await enqueueMail(trx, sealer, told);
}

/**
 * Changes the address, with the code that was sent to the new one.
 * @param proof the code, typed in by the client who logged in; or the token of the link
 * @returns a refusal for a code or link that is not good: its failure is counted, so keep that
 * @throws DomainError 409 when the address has become somebody else's since
 */
export async function confirmEmailChange(
  deps: CodeMailDeps,
  trx: Knex.Transaction,
  by: Actor,
  proof: { readonly clientId: string; readonly code: string } | { readonly token: string },
): Promise<DomainError | undefined> {
  const { client, kept } = await redeemChange(deps, trx, proof);
  if (!client || !kept) {
    if (client === null && 'clientId' in proof) return wrongCode(proof);
    return await refuseCode(trx, by, 'change_email', client, proof);
  }
  await changeEmail(deps, trx, by, client, kept['email']!);
  return undefined;
}

async function redeemChange(
  deps: CodeMailDeps,
  trx: Knex.Transaction,
  proof: { readonly clientId: string; readonly code: string } | { readonly token: string },
): ReturnType<typeof redeemProof> {
  if ('token' in proof) return await redeemProof(deps, trx, 'change_email', proof);
  const client = await lockClient(trx, proof.clientId);
  if (!client) return { client: null, kept: null };
  const at = { code: proof.code, now: deps.now() };
  const redeemed = await deps.codes.redeem(trx, client.id, 'change_email', at);
  return { client, kept: redeemed?.data ?? null };
}

/** Both addresses are told, and what was sent to the old one is worth nothing any more. */
async function changeEmail(
  { sealer, codes, now }: CodeMailDeps,
  trx: Knex.Transaction,
  by: Actor,
  client: ClientDetails,
  email: string,
): Promise<void> {
  const { id, email: old, firstName } = client;
  const at = now();
  await forgetUndeliverable(trx, by, id); // what was noted was said of the old one
  const changes = { email, email_verified_at: at };
  await updateClient(trx, id, at, changes).catch((error: unknown) => {
    throw isTaken(error) ? taken() : error;
  });
  for (const purpose of ['reset_password', 'verify_email', 'second_factor'] as const) {
    await codes.end(trx, id, purpose, at);
  }
  const data = { first_name: firstName, at: at.toISOString() };
  await enqueueMail(trx, sealer, { kind: 'email_changed', to: old, clientId: id, data });
  await recordAct(trx, by, {
    action: 'email.changed',
    subject: { client_id: id },
    before: { email: old },
    after: { email },
  });
  const told = { at: at.toISOString(), ip: by.ip, device: by.userAgent, detail: null };
  await notify(trx, { clientId: id, event: 'security.email_changed', data: told });
}

const taken = (): DomainError =>
  new DomainError('conflict', 40910000, 'This address cannot be used any more; choose another');
