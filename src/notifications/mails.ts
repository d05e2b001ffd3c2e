import type { Knex } from 'knex';
import { newId } from '../ids.js';
import { notificationsQueued } from '../metrics.js';
import type { Sealer } from '../identity/sealer.js';
import type { AccountMail, MailKind } from './account-mails.js';
import type { Language } from './events.js';

/** A mail to somebody about themselves. */
export interface NewMail<Kind extends MailKind = MailKind> {
  readonly kind: Kind;
  readonly to: string;
  /** Null for an address that is nobody's. */
  readonly clientId: string | null;
  /** What its template needs; nothing secret. */
  readonly data: Readonly<Record<string, string>>;
  /** A code or token; kept sealed, and only until the mail is delivered. */
  readonly secret?: string;
  /** When the secret in it is worth nothing any more. */
  readonly expiresAt?: Date;
}

/**
 * Puts a mail into the list of a worker, in the transaction of the fact that it tells of. Nudge
 * the mails after the commit; without a nudge the sweeper finds it.
 */
export async function enqueueMail(
  trx: Knex.Transaction,
  sealer: Sealer,
  { kind, to, clientId, data, secret, expiresAt }: NewMail,
): Promise<void> {
  const id = newId();
  const now = new Date();
  await trx('mails').insert({
    id,
    client_id: clientId,
    recipient: to,
    kind,
    data,
    secret: secret === undefined ? null : sealer.seal(secret, purposeOf(id)),
    created_at: now,
    expires_at: expiresAt ?? null,
    due_at: now,
  });
  notificationsQueued.inc({ channel: 'email' });
}

/** A secret is sealed for its mail: copied into another row it does not open. */
const purposeOf = (id: string): string => `mail ${id}`;

/** A mail that is due, its secret still sealed. */
export interface ClaimedMail extends Omit<AccountMail, 'secret'> {
  readonly id: string;
  readonly sealed: Buffer | null;
  readonly createdAt: Date;
  /** Deliveries begun, this one included. */
  readonly attempts: number;
  /** The client's; English for nobody's mails. */
  readonly language: Language;
  /** What a mail server said of the address, if it takes no mail. */
  readonly undeliverable: string | null;
}

/** @throws Error when SECRETS_KEY is not the one that it was sealed with */
export const openMail = (
  sealer: Sealer,
  { id, kind, to, data, sealed }: Omit<ClaimedMail, 'createdAt' | 'language' | 'undeliverable'>,
): AccountMail => ({ kind, to, data, secret: sealed && sealer.open(sealed, purposeOf(id)) });

const CLAIM = `
  update mails m set due_at = :leasedUntil, attempts = m.attempts + 1
  from (
    select id from mails where delivered_at is null and due_at <= :now
    order by due_at, id limit :limit for update skip locked
  ) as due
  where m.id = due.id
  returning m.id, m.recipient as "to", m.kind, m.data, m.secret as sealed, m.attempts,
    m.created_at as "createdAt",
    coalesce((select c.language from clients c where c.id = m.client_id), 'en') as language,
    (select c.email_undeliverable_reason from clients c
     where c.email = m.recipient and c.status <> 'closed') as undeliverable`;

/** What is not worth sending any more, such as a code that has expired. @returns how many */
export async function dropExpired(knex: Knex, now: Date): Promise<number> {
  return await knex('mails')
    .whereNull('delivered_at')
    .where('due_at', '<=', now)
    .where('expires_at', '<=', now)
    .update({ due_at: 'infinity', secret: null, last_error: 'expired before it could be sent' });
}

/** Takes mails that are due: until the lease runs out nobody else gets them. */
export async function claimMails(
  knex: Knex,
  { now, leaseMs, limit }: { now: Date; leaseMs: number; limit: number },
): Promise<ClaimedMail[]> {
  const leasedUntil = new Date(now.getTime() + leaseMs);
  const { rows } = await knex.raw<{ rows: ClaimedMail[] }>(CLAIM, { now, leasedUntil, limit });
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Its secret goes: whoever reads the table later finds none. */
export async function markMailDelivered(knex: Knex, id: string, now: Date): Promise<void> {
  await knex('mails')
    .where({ id })
    .whereNull('delivered_at')
    .update({ delivered_at: now, secret: null, last_error: null });
}

/** @param dueAt when to try again; null for never: without a secret it is a dead letter then */
export async function putMailOff(
  knex: Knex,
  id: string,
  dueAt: Date | null,
  reason: string,
): Promise<void> {
  await knex('mails')
    .where({ id })
    .whereNull('delivered_at')
    .update({
      due_at: dueAt ?? 'infinity',
      ...(dueAt === null && {
        dead_at: knex.raw('case when secret is null then now() end'),
        secret: null,
      }),
      last_error: reason,
    });
}
