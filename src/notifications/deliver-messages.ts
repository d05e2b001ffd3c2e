import { setTimeout as sleep } from 'node:timers/promises';
import { SpanKind } from '@opentelemetry/api';
import { notificationLatency, notificationsFailed, notificationsSent } from '../metrics.js';
import { BatchSpan } from '../tracing/batch-span.js';
import { OrderTraces } from '../tracing/order-traces.js';
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
  bury,
  claimDeliveries,
  markDelivered,
  putOff,
  type ClaimedDelivery,
} from './delivery-claims.js';
import { digestMail } from './digest-mail.js';
import type { OrderData, Told } from './events.js';
import type { Mail } from './letter.js';
import { messageMail } from './message-mail.js';
import { noteIfUndeliverable, sendIfDeliverable } from './undeliverable.js';

/** After a mail a receiver gets no other one for so long; what comes meanwhile shares the next. */
export const RECEIVER_PAUSE_MS = 5_000;

/** What one mail tells. */
interface Letter {
  readonly clientId: string;
  readonly to: string;
  /** What a mail server said of the address, if it takes no mail. */
  readonly undeliverable: string | null;
  readonly messageIds: readonly string[];
  readonly orderIds: readonly string[];
  readonly attempts: number;
  readonly happenedAt: readonly Date[];
  readonly write: () => Mail;
}

/**
 * Sends the messages that are due by mail: one mail a receiver for all orders, and one for each other
 * message. The mails of one call follow each other at `mailsPerSecond` at most.
 *
 * A short transaction claims the rows by moving their due time ahead (a lease); only then are mails
 * sent, outside of any transaction, and each is marked right after. Whoever dies in between loses
 * nothing: the lease runs out and the rows are due again. A mail may thus arrive twice, never not at
 * all. Failures put the rows off and touch nothing else.
 * @param limit the most receivers of this call
 * @returns how many messages were claimed; 0 when nothing is due
 */
export async function deliverMessages(deps: DeliverDeps, limit: number): Promise<number> {
  const { db, log, config, now = () => new Date() } = deps;
  const intervalMs = 1_000 / config.mailsPerSecond;
  const started = performance.now();
  const receiversMax = Math.max(1, Math.min(limit, Math.floor(SENDING_MS / intervalMs)));
  const mailedBefore = new Date(now().getTime() - RECEIVER_PAUSE_MS);
  const terms = { now: now(), leaseMs: LEASE_MS, receiversMax, mailedBefore };
  const claimed = await claimDeliveries(db.knex, terms);
  const letters = lettersOf(claimed);
  const traces = await OrderTraces.find(
    db.knex,
    letters.flatMap(({ orderIds }) => orderIds),
  );
  let sent = 0;
  for (const letter of letters) {
    if (performance.now() - started > SENDING_MS) break; // the rest is due again after its lease
    const ready = sleep(Math.ceil(intervalMs));
    if (await deliver(deps, letter, traces, now)) sent += 1;
    await ready;
  }
  if (claimed.length > 0) {
    const duration = Math.round(performance.now() - started);
    log.info('messages mailed', { messages: claimed.length, mails: sent, duration_ms: duration });
  }
  return claimed.length;
}

/** One mail. A failure is recorded, not thrown: the next mail does not depend on it. */
async function deliver(
  { db, mailer, log, onDead }: DeliverDeps,
  { clientId, to, undeliverable, messageIds, orderIds, attempts, happenedAt, write }: Letter,
  traces: OrderTraces,
  now: () => Date,
): Promise<boolean> {
  const span = BatchSpan.start('send mail', orderIds, (orderId) => traces.of(orderId), {
    kind: SpanKind.CLIENT,
    attributes: { 'brokerx.messages': messageIds.length, 'brokerx.attempt': attempts },
  });
  let mail: Mail | undefined;
  try {
    const letter = (mail = write());
    await span.run(() =>
      withTimeout(sendIfDeliverable(mailer, letter, undeliverable), SEND_TIMEOUT_MS),
    );
    span.end();
  } catch (error) {
    span.end({ code: failureKind(error) });
    const reason = reasonOf(error);
    notificationsFailed.inc({ channel: 'email', reason: failureKind(error) });
    log.warn('a mail could not be sent', { client_id: clientId, attempts, reason });
    // What cannot be written will not be another time; it must not keep its receiver's others.
    const isGivenUp = !mail || (await noteIfUndeliverable(db.knex, to, error, now()));
    const dueAt = isGivenUp ? null : nextAttempt(attempts, now(), Math.random());
    if (dueAt) await putOff(db.knex, messageIds, dueAt, reason);
    else {
      await bury(db.knex, messageIds, now(), reason);
      for (const id of messageIds) onDead?.({ id, reason });
    }
    return false;
  }
  await markDelivered(db.knex, { clientId, messageIds }, now());
  notificationsSent.inc({ channel: 'email' }, messageIds.length);
  for (const time of happenedAt) {
    const seconds = (now().getTime() - time.getTime()) / 1_000;
    notificationLatency.observe({ channel: 'email' }, Math.max(0, seconds));
  }
  return true;
}

const isOfOrder = ({ event }: ClaimedDelivery): boolean => event.startsWith('order.');

function lettersOf(claimed: readonly ClaimedDelivery[]): Letter[] {
  const letters: ClaimedDelivery[][] = [];
  const ofOrders = new Map<string, ClaimedDelivery[]>();
  for (const delivery of claimed) {
    const isOrder = isOfOrder(delivery);
    const digest = isOrder ? ofOrders.get(delivery.clientId) : undefined;
    if (digest) digest.push(delivery);
    else {
      const letter = [delivery];
      letters.push(letter);
      if (isOrder) ofOrders.set(delivery.clientId, letter);
    }
  }
  return letters.map(letterOf);
}

const letterOf = (deliveries: readonly ClaimedDelivery[]): Letter => {
  const first = deliveries[0]!;
  const { clientId, email: to, undeliverable, firstName, accountNumber, language } = first;
  const told = deliveries.map(({ event, data }) => ({ event, data }) as Told);
  const receiver = { to, firstName, accountNumber, language };
  return {
    clientId,
    to,
    undeliverable,
    messageIds: deliveries.map(({ messageId }) => messageId),
    orderIds: deliveries.filter(isOfOrder).map(({ data }) => (data as OrderData).order_id),
    attempts: Math.max(...deliveries.map(({ attempts }) => attempts)),
    happenedAt: deliveries.map(({ happenedAt }) => happenedAt),
    write: () =>
      told.length === 1 ? messageMail({ ...receiver, ...told[0]! }) : digestMail(receiver, told),
  };
};
