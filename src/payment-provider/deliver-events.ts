import type { Knex } from 'knex';
import { formatDecimal, PRICE_SCALE } from '../domain/money.js';
import type { PaymentEvent } from './instructions.js';
import { signatureHeaders } from './signature.js';

export interface DeliverEventsDeps {
  readonly knex: Knex;
  /** Where the customer listens. */
  readonly callbackUrl: string;
  readonly secret: string;
  readonly log: { warn(message: string, details: object): void };
  readonly now?: () => Date;
}

interface DueEvent {
  id: string;
  paymentId: string;
  sequence: number;
  type: 'accepted' | 'settled' | 'failed' | 'returned';
  reason: string | null;
  createdAt: Date;
  repeats: number;
  /** Deliveries begun, this one included. */
  attempts: number;
  reference: string;
  direction: 'incoming' | 'outgoing';
  amount: bigint;
}

const TIMEOUT_MS = 5_000;
const LEASE_MS = 15_000;
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 60_000;
/** About an hour; then the customer has to ask. */
const ATTEMPTS_MAX = 70;
const ERROR_LENGTH_MAX = 200;

const CLAIM = `
  update payment_provider.events e set due_at = :leasedUntil, attempts = e.attempts + 1
  from (
    select id from payment_provider.events
    where delivered_at is null and due_at <= :now
    order by due_at, sequence limit :limit for update skip locked
  ) as due, payment_provider.payments p
  where e.id = due.id and p.id = e.payment_id
  returning e.id, e.payment_id as "paymentId", e.sequence, e.type, e.reason,
    e.created_at as "createdAt", e.repeats, e.attempts, p.reference, p.direction, p.amount`;

/**
 * Posts the events that are due to the customer: leased, so that several processes share them; told
 * again with growing pauses until they are received. A process that dies lets its lease run out.
 * @returns how many were claimed; 0 when nothing is due
 */
export async function deliverEvents(deps: DeliverEventsDeps, limit: number): Promise<number> {
  const { knex, now = () => new Date() } = deps;
  const leasedUntil = new Date(now().getTime() + LEASE_MS);
  const { rows } = await knex.raw<{ rows: DueEvent[] }>(CLAIM, { now: now(), leasedUntil, limit });
  await Promise.all(rows.map((event) => deliver(deps, event, now)));
  return rows.length;
}

async function deliver(deps: DeliverEventsDeps, event: DueEvent, now: () => Date): Promise<void> {
  const row = deps.knex('payment_provider.events').where({ id: event.id });
  try {
    await post(deps, event, now());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    deps.log.warn('a payment event was not received', { event_id: event.id, reason });
    await row.update({
      due_at: event.attempts < ATTEMPTS_MAX ? retryAt(event.attempts, now()) : 'infinity',
      last_error: reason.slice(0, ERROR_LENGTH_MAX),
    });
    return;
  }
  const { repeats } = event;
  await row.update(
    repeats > 0
      ? { repeats: repeats - 1, due_at: now() }
      : { delivered_at: now(), last_error: null },
  );
}

const retryAt = (attempts: number, now: Date): Date =>
  new Date(now.getTime() + Math.min(RETRY_FIRST_MS * 2 ** (attempts - 1), RETRY_MAX_MS));

/** @throws Error when it is not received with a status of 2xx in time */
async function post(
  { callbackUrl, secret }: DeliverEventsDeps,
  event: DueEvent,
  sentAt: Date,
): Promise<void> {
  const body = JSON.stringify(presentEvent(event));
  const response = await fetch(callbackUrl, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...signatureHeaders(secret, { id: event.id, sentAt, body }),
    },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`answered ${response.status}`);
}

const presentEvent = (event: DueEvent): PaymentEvent => ({
  id: event.id,
  type: `payment.${event.type}`,
  sequence: event.sequence,
  created_at: event.createdAt.toISOString(),
  payment: {
    id: event.paymentId,
    reference: event.reference,
    direction: event.direction,
    amount: formatDecimal(event.amount, PRICE_SCALE),
    currency: 'USD',
  },
  reason: event.reason,
});
