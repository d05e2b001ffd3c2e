import type { Knex } from 'knex';
import { newId } from '../ids.js';
import { endpointColumns, type DeliveryStatus, type Endpoint } from './model.js';
import type { Attempt } from './sender.js';

/** One worker's turn with an endpoint: nobody else posts to it until the lease runs out. */
export interface Turn {
  readonly endpoint: Endpoint;
  readonly lease: string;
}

const IS_ACTIVE = `c.status not in ('suspended', 'closed')`;

/**
 * Something waits for the endpoint, and it is time for it. What is out of line (tests, dead ones sent
 * again) does not wait for the pause after a failure, nor for the endpoint to be turned on. Nothing leaves
 * while the client is suspended: perhaps it was somebody else who set the endpoint up.
 */
const IS_DUE = `(
  ${IS_ACTIVE} and (
    w.enabled and w.due_at <= :now and a.last_event_id > w.cursor
    or exists (select from webhook_deliveries d where d.endpoint_id = w.id and d.status = 'queued')
  )
)`;

const IS_FREE = '(w.lease is null or w.leased_until <= :now)';

const BEGIN_TURN = `
  update webhook_endpoints e set lease = :lease, leased_until = :until
  from (
    select w.id from webhook_endpoints w
    join accounts a on a.id = w.account_id join clients c on c.id = a.client_id
    where w.id = :id and ${IS_FREE} and ${IS_DUE}
    for update of w skip locked
  ) as due
  where e.id = due.id
  returning ${endpointColumns('e')}`;

/**
 * Takes an endpoint for a turn, in one short statement.
 * @returns null when nothing is due there, or somebody else has it
 */
export async function beginTurn(
  knex: Knex,
  id: string,
  now: Date,
  leaseMs: number,
): Promise<Turn | null> {
  const lease = newId();
  const until = new Date(now.getTime() + leaseMs);
  const { rows } = await knex.raw<{ rows: Endpoint[] }>(BEGIN_TURN, { id, lease, until, now });
  return rows[0] ? { endpoint: rows[0], lease } : null;
}

/** Gives the endpoint back. What its lease has run out for is somebody else's by now. */
export async function endTurn(knex: Knex, { endpoint, lease }: Turn): Promise<void> {
  await knex('webhook_endpoints')
    .where({ id: endpoint.id, lease })
    .update({ lease: null, leased_until: null });
}

/** An endpoint with its account, and whether something is due there. */
export interface Waiting {
  readonly id: string;
  readonly accountId: string;
  readonly isDue: boolean;
  /** When the first event after the cursor happened; null when there is none, or it is turned off. */
  readonly since: Date | null;
  /** Lines of the account's log after the cursor, also those that nobody wants; 0 while it is turned off. */
  readonly events: bigint;
}

const LOOK = `
  select w.id, w.account_id as "accountId", ${IS_FREE} and ${IS_DUE} as "isDue",
    case when w.enabled and ${IS_ACTIVE} then (
      select e.occurred_at from account_events e
      where e.account_id = w.account_id and e.event_id = w.cursor + 1
    ) end as since,
    case when w.enabled and ${IS_ACTIVE} then a.last_event_id - w.cursor else 0 end as events
  from webhook_endpoints w
  join accounts a on a.id = w.account_id join clients c on c.id = a.client_id
  where w.enabled
    or exists (select from webhook_deliveries d where d.endpoint_id = w.id and d.status = 'queued')`;

/** Every endpoint that something may come for. */
export async function lookAtEndpoints(knex: Knex, now: Date): Promise<Waiting[]> {
  const { rows } = await knex.raw<{ rows: Waiting[] }>(LOOK, { now });
  return rows;
}

/** What the turn writes about the endpoint. Columns. */
export type Progress = Readonly<Record<string, unknown>>;

/**
 * Writes how far a turn has come, if it is still this turn's to say: the lease is, and nobody has moved
 * the cursor meanwhile (a replay does).
 * @param cursor where the turn has found it, or put it
 * @returns whether the turn may go on: it was written, and the endpoint is still turned on
 */
export async function advance(
  trx: Knex,
  { endpoint, lease }: Turn,
  cursor: bigint,
  progress: Progress,
): Promise<boolean> {
  const [row] = await trx('webhook_endpoints')
    .where({ id: endpoint.id, lease, cursor: String(cursor) })
    .update(progress)
    .returning<{ enabled: boolean }[]>('enabled');
  return row?.enabled ?? false;
}

/**
 * Turns the endpoint off, if that is this turn's to say as in `advance`.
 * @returns false when it is not, or its owner has turned it off already
 */
export async function turnOff(
  trx: Knex,
  { endpoint, lease }: Turn,
  cursor: bigint,
  { reason, at, ...progress }: Progress & { reason: 'gone' | 'failing'; at: Date },
): Promise<boolean> {
  const updated = await trx('webhook_endpoints')
    .where({ id: endpoint.id, lease, cursor: String(cursor), enabled: true })
    .update({
      ...progress,
      enabled: false,
      disabled_reason: reason,
      disabled_at: at,
      attempts: 0,
      head_failing_since: null,
      updated_at: at,
    });
  return updated === 1;
}

/** Keeps the endpoint for longer. @returns false when it is somebody else's, or deleted */
export async function extendLease(
  knex: Knex,
  { endpoint, lease }: Turn,
  until: Date,
): Promise<boolean> {
  const updated = await knex('webhook_endpoints')
    .where({ id: endpoint.id, lease })
    .update({ leased_until: until });
  return updated === 1;
}

/** A message in line, for its row in the log. */
export interface Logged {
  readonly endpointId: string;
  readonly eventId: bigint;
  readonly type: string;
  readonly messageId: string;
}

const LOG = `
  insert into webhook_deliveries (id, endpoint_id, event_id, type, message_id, status, attempts,
    attempted_at, duration_ms, response_status, response_body, error, created_at, updated_at)
  select cast(:id as uuid), w.id, cast(:eventId as bigint), cast(:type as text),
    cast(:messageId as text), cast(:status as text), 1, cast(:attemptedAt as timestamptz),
    cast(:durationMs as integer), cast(:responseStatus as integer), cast(:responseBody as text),
    cast(:error as text), cast(:now as timestamptz), cast(:now as timestamptz)
  from webhook_endpoints w where w.id = :endpointId
  on conflict (endpoint_id, event_id) where event_id is not null do update set
    status = excluded.status, attempts = webhook_deliveries.attempts + 1,
    attempted_at = excluded.attempted_at, duration_ms = excluded.duration_ms,
    response_status = excluded.response_status, response_body = excluded.response_body,
    error = excluded.error, updated_at = excluded.updated_at`;

/** What is kept of an attempt. */
const summaryOf = (attempt: Attempt) => ({
  durationMs: attempt.durationMs,
  responseStatus: attempt.status,
  responseBody: attempt.excerpt,
  error: attempt.error,
});

/** Writes an attempt in line into the delivery log, unless the endpoint was deleted meanwhile. */
export async function logAttempt(
  trx: Knex,
  { endpointId, eventId, type, messageId }: Logged,
  status: DeliveryStatus,
  attempt: Attempt,
  { attemptedAt, now }: { attemptedAt: Date; now: Date },
): Promise<void> {
  await trx.raw(LOG, {
    id: newId(),
    endpointId,
    eventId: String(eventId),
    type,
    messageId,
    status,
    attemptedAt,
    now,
    ...summaryOf(attempt),
  });
}

/** The same of a message out of line, whose row is there. Its one attempt decides. */
export async function logQueued(
  trx: Knex,
  id: string,
  attempt: Attempt,
  { attemptedAt, now }: { attemptedAt: Date; now: Date },
): Promise<void> {
  const { durationMs, responseStatus, responseBody, error } = summaryOf(attempt);
  await trx('webhook_deliveries')
    .where({ id })
    .update({
      status: attempt.failure === null ? 'delivered' : 'dead',
      attempts: trx.raw('attempts + 1'),
      attempted_at: attemptedAt,
      duration_ms: durationMs,
      response_status: responseStatus,
      response_body: responseBody,
      error,
      updated_at: now,
    });
}
