import type { Knex } from 'knex';
import type { Mail } from './letter.js';
import { MailRefused } from './mail-refused.js';
import type { Mailer } from './mailer.js';

const REASON_LENGTH_MAX = 500;

/**
 * Sends a mail, unless a server has said that there is no such mailbox. Mails with codes are tried all
 * the same: they are asked for, and the only way to show that the mailbox is there (again).
 * @param undeliverable what the server said; null where nothing is known, or the mail brings a code
 * @throws MailRefused, Error as `Mailer.send`
 */
export async function sendIfDeliverable(
  mailer: Mailer,
  mail: Mail,
  undeliverable: string | null,
): Promise<void> {
  if (undeliverable !== null) {
    throw new MailRefused('recipient', `not tried again after: ${undeliverable}`);
  }
  await mailer.send(mail);
}

/**
 * Notes of the client whose address it is that it takes no mail, if that is what the failure says. An
 * address that is not (or no longer) a client's is not noted.
 * @returns whether the mail is to be given up
 */
export async function noteIfUndeliverable(
  knex: Knex,
  email: string,
  error: unknown,
  now: Date,
): Promise<boolean> {
  if (!(error instanceof MailRefused) || !error.isPermanent) return false;
  await knex('clients')
    .where({ email })
    .whereNot({ status: 'closed' })
    .whereNull('email_undeliverable_at')
    .update({
      email_undeliverable_at: now,
      email_undeliverable_reason:
        error.message.replaceAll('\0', '').slice(0, REASON_LENGTH_MAX) || 'refused',
    });
  return true;
}

/** The columns of an address of which nothing bad is known: a new one, or one just confirmed. */
export const DELIVERABLE = {
  email_undeliverable_at: null,
  email_undeliverable_reason: null,
} as const;
