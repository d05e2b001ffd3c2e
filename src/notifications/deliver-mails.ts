import { setTimeout as sleep } from 'node:timers/promises';
import type { Sealer } from '../identity/sealer.js';
import { notificationLatency, notificationsFailed, notificationsSent } from '../metrics.js';
import { accountMail } from './account-mails.js';
import {
  failureKind,
  LEASE_MS,
  nextAttempt,
  reasonOf,
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
 * Sends the mails about clients' accounts that are due, in the manner of `deliverMessages`: leased, each
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
  { db, mailer, log, sealer, onDead }: DeliverMailsDeps,
  mail: ClaimedMail,
  now: () => Date,
): Promise<void> {
  const { id, kind, to, attempts, createdAt, language, sealed, undeliverable } = mail;
  try {
    const written = accountMail(openMail(sealer, mail), language);
    const sending = sendIfDeliverable(mailer, written, sealed ? null : undeliverable);
    await withTimeout(sending, SEND_TIMEOUT_MS);
  } catch (error) {
    const reason = reasonOf(error);
    notificationsFailed.inc({ channel: 'email', reason: failureKind(error) });
    log.warn('a mail could not be sent', { mail_id: id, kind, attempts, reason });
    const isGivenUp = await noteIfUndeliverable(db.knex, to, error, now());
    const dueAt = isGivenUp ? null : nextAttempt(attempts, now(), Math.random());
    await putMailOff(db.knex, id, dueAt, reason);
    if (!dueAt && mail.sealed === null) onDead?.({ id, reason });
    return;
  }
  await markMailDelivered(db.knex, id, now());
  notificationsSent.inc({ channel: 'email' });
  const seconds = (now().getTime() - createdAt.getTime()) / 1_000;
  notificationLatency.observe({ channel: 'email' }, Math.max(0, seconds));
}
