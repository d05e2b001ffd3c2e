import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.js';
import type { Database } from '../db.js';
import type { Logger } from '../log.js';
import { notificationsDelivered, notificationsFailed } from '../metrics.js';
import {
  claimDue,
  markDelivered,
  putOff,
  withholdUnwanted,
  type ClaimedNotification,
} from './claims.js';
import type { Mailer } from './mailer.js';
import { executionMail, type ExecutedOrder, type ExecutionDigest } from './templates.js';
import { noteIfUndeliverable, sendIfDeliverable } from './undeliverable.js';

export interface DeliverDeps {
  readonly db: Pick<Database, 'knex'>;
  readonly mailer: Mailer;
  readonly log: Logger;
  readonly config: Pick<Config, 'mailsPerSecond'>;
  readonly now?: () => Date;
}

/** How long claimed notifications belong to this call; then another worker may take them. */
export const LEASE_MS = 60_000;
export const SEND_TIMEOUT_MS = 20_000;
/** No mail is begun so late that its lease could run out under it. */
export const SENDING_MS = LEASE_MS - SEND_TIMEOUT_MS;

/** About 15 hours with the pauses below; then it stays undelivered, with its last error. */
export const MAX_ATTEMPTS = 24;
const BACKOFF_FIRST_MS = 5_000;
const BACKOFF_MAX_MS = 3_600_000;

/**
 * Delivers what is due, one mail an account. The mails of one call follow each other at
 * `mailsPerSecond` at most, the pause after the last included, so calls in a row keep to it too.
 *
 * A short statement claims the rows by moving their due time ahead (a lease); only then are mails
 * sent, outside of any transaction, and each is marked right after. Whoever dies in between loses
 * nothing: the lease runs out and the rows are due again. A mail may thus arrive twice, never not at
 * all. Failures put the rows off and touch nothing else: executions do not depend on mails.
 * @param limit the most accounts, that is mails, of this call
 * @returns how many notifications were claimed; 0 when nothing is due
 */
export async function deliverDue(deps: DeliverDeps, limit: number): Promise<number> {
  const { db, mailer, log, config, now = () => new Date() } = deps;
  const intervalMs = 1_000 / config.mailsPerSecond;
  const mailsMax = Math.max(1, Math.min(limit, Math.floor(SENDING_MS / intervalMs)));
  const started = performance.now();
  await withholdUnwanted(db.knex, now());
  const claimed = await claimDue(db.knex, now(), LEASE_MS, mailsMax);
  let delivered = 0;
  for (const batch of byAccount(claimed)) {
    if (performance.now() - started > SENDING_MS) break; // the rest is due again after its lease
    const ready = sleep(Math.ceil(intervalMs));
    if (await deliver(deps, batch, now)) delivered += batch.length;
    await ready;
  }
  if (claimed.length > 0) {
    log.info('notifications delivered', {
      channel: mailer.channel,
      claimed: claimed.length,
      delivered,
      duration_ms: Math.round(performance.now() - started),
    });
  }
  return claimed.length;
}

/** One mail. A failure is recorded, not thrown: the next account's mail does not depend on it. */
async function deliver(
  { db, mailer, log }: DeliverDeps,
  batch: readonly ClaimedNotification[],
  now: () => Date,
): Promise<boolean> {
  const ids = batch.map(({ id }) => id);
  const { email, undeliverable } = batch[0]!;
  try {
    const mail = executionMail(digestOf(batch));
    await withTimeout(sendIfDeliverable(mailer, mail, undeliverable), SEND_TIMEOUT_MS);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const attempts = Math.max(...batch.map((row) => row.attempts));
    notificationsFailed.inc({ channel: mailer.channel });
    log.warn('a mail could not be sent', { account_id: batch[0]!.accountId, attempts, reason });
    const isGivenUp = await noteIfUndeliverable(db.knex, email, error, now());
    const dueAt = isGivenUp ? null : nextAttempt(attempts, now(), Math.random());
    await putOff(db.knex, ids, dueAt, reason);
    return false;
  }
  await markDelivered(db.knex, ids, now());
  notificationsDelivered.inc({ channel: mailer.channel }, batch.length);
  return true;
}

/**
 * When to try again: the pause doubles with every failure up to an hour, less up to half of it at
 * random, so that what failed together does not come back together.
 * @param attempts how often it was tried, from 1
 * @param random   0 up to 1
 * @returns null when it was tried often enough
 */
export function nextAttempt(attempts: number, now: Date, random: number): Date | null {
  if (attempts >= MAX_ATTEMPTS) return null;
  const pauseMs = Math.min(BACKOFF_FIRST_MS * 2 ** (attempts - 1), BACKOFF_MAX_MS);
  return new Date(now.getTime() + pauseMs * (1 - random / 2));
}

function byAccount(rows: readonly ClaimedNotification[]): ClaimedNotification[][] {
  const batches = new Map<string, ClaimedNotification[]>();
  for (const row of rows) {
    const batch = batches.get(row.accountId);
    if (batch) batch.push(row);
    else batches.set(row.accountId, [row]);
  }
  return [...batches.values()];
}

/** One line an order: an order that was executed in several batches has several notifications. */
function digestOf(batch: readonly ClaimedNotification[]): ExecutionDigest {
  const orders = new Map<string, ExecutedOrder>();
  for (const { orderId, symbol, side, executions, qty, value, fees, status } of batch) {
    const earlier = orders.get(orderId);
    orders.set(orderId, {
      symbol,
      side,
      executions: executions + (earlier?.executions ?? 0),
      qty: qty + (earlier?.qty ?? 0n),
      value: value + (earlier?.value ?? 0n),
      fees: fees + (earlier?.fees ?? 0n),
      status,
    });
  }
  const { email: to, firstName, accountNumber } = batch[0]!;
  return { to, firstName, accountNumber, orders: [...orders.values()] };
}

/** @throws Error when the mail was not sent in time */
export async function withTimeout(work: Promise<void>, timeoutMs: number): Promise<void> {
  const done = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: done.signal }).then(
    () => {
      throw new Error(`the mail was not sent within ${timeoutMs / 1_000} s`);
    },
    () => undefined, // the work was done in time
  );
  try {
    await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}
