import { setTimeout as sleep } from 'node:timers/promises';
import type { Sealer } from '../identity/sealer.js';
import { notificationsDelivered, notificationsFailed } from '../metrics.js';
import { accountMail } from './account-mails.js';
import {
  LEASE_MS,
  nextAttempt,
  SEND_TIMEOUT_MS,
  SENDING_MS,
  withTimeout,
  type DeliverDeps,
} from './deliver.js';
import {
  claimMails,
  dropExpired,
  markMailDelivered,
  openMail,
  putMailOff,
  type ClaimedMail,
} from './mails.js';
import { noteIfUndeliverable, sendIfDeliverable } from './undeliverable.js';

export interface DeliverMailsDeps extends DeliverDeps {
  readonly sealer: Sealer;
}

/**
 * Sends the mails about clients' accounts that are due, in the manner of `deliverDue`: leased, each
 * marked right after it was sent, put off when it failed.
 * @param limit the most mails of this call
 * @returns how many were claimed; 0 when nothing is due
 */
export async function deliverMails(deps: DeliverMailsDeps, limit: number): Promise<number> {
  const { db, config, now = () => new Date() } = deps;
  const started = performance.now();
  await dropExpired(db.knex, now());
  const claimed = await claimMails(db.knex, { now: now(), leaseMs: LEASE_MS, limit });
  for (const mail of claimed) {
    if (performance.now() - started > SENDING_MS) break; // the rest is due again after its lease
    const ready = sleep(Math.ceil(1_000 / config.mailsPerSecond));
    await deliver(deps, mail, now);
    await ready;
  }
  return claimed.length;
}

async function deliver(
  { db, mailer, log, sealer }: DeliverMailsDeps,
  mail: ClaimedMail,
  now: () => Date,
): Promise<void> {
  const { id, kind, to, attempts, language, sealed, undeliverable } = mail;
  try {
    const written = accountMail(openMail(sealer, mail), language);
    const sending = sendIfDeliverable(mailer, written, sealed ? null : undeliverable);
    await withTimeout(sending, SEND_TIMEOUT_MS);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    notificationsFailed.inc({ channel: mailer.channel });
    log.warn('a mail could not be sent', { mail_id: id, kind, attempts, reason });
    const isGivenUp = await noteIfUndeliverable(db.knex, to, error, now());
    const dueAt = isGivenUp ? null : nextAttempt(attempts, now(), Math.random());
    await putMailOff(db.knex, id, dueAt, reason);
    return;
  }
  await markMailDelivered(db.knex, id, now());
  notificationsDelivered.inc({ channel: mailer.channel });
}
