import type { Knex } from 'knex';
import { recordAct, systemActor, type Actor } from '../audit/record.js';
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
 * Notes of the client whose address it is that it takes no mail, if that is what the failure says, and
 * writes it into the audit log: whoever asks later why somebody was told nothing finds the time and the
 * server's words. An address that is not (or no longer) a client's is not noted.
 * @returns whether the mail is to be given up
 */
export async function noteIfUndeliverable(
  knex: Knex,
  email: string,
  error: unknown,
  now: Date,
): Promise<boolean> {
  if (!(error instanceof MailRefused) || !error.isPermanent) return false;
  const said = error.message.replaceAll('\0', '').slice(0, REASON_LENGTH_MAX) || 'refused';
  await knex.transaction(async (trx) => {
    const [noted] = await trx('clients')
      .where({ email })
      .whereNot({ status: 'closed' })
      .whereNull('email_undeliverable_at')
      .update({ email_undeliverable_at: now, email_undeliverable_reason: said })
      .returning<{ id: string }[]>('id');
    if (!noted) return;
    await recordAct(trx, systemActor('mails'), {
      action: 'email.undeliverable',
      subject: { client_id: noted.id },
      before: { undeliverable: false },
      after: { email, undeliverable: true },
      reason: said,
    });
  });
  return true;
}

/**
 * Forgets that a client's address took no mail, for a code has come back from it or it is about to be
 * another one, and writes that into the audit log; does nothing where nothing was noted.
 */
export async function forgetUndeliverable(
  trx: Knex.Transaction,
  by: Actor,
  clientId: string,
): Promise<void> {
  const [noted] = await trx('clients')
    .where({ id: clientId })
    .whereNotNull('email_undeliverable_at')
    .update({ email_undeliverable_at: null, email_undeliverable_reason: null })
    .returning<{ email: string }[]>('email');
  if (!noted) return;
  await recordAct(trx, by, {
    action: 'email.deliverable_again',
    subject: { client_id: clientId },
    before: { email: noted.email, undeliverable: true },
    after: { undeliverable: false },
  });
}
