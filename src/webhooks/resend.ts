import type { Knex } from 'knex';
import { DomainError, invalid, notFound } from '../errors.js';
import { newId } from '../ids.js';
import { TEST_TYPE, testMessageId } from './message.js';
import {
  countQueued,
  findDelivery,
  lastEventId,
  updateEndpoint,
  type Delivery,
  type Endpoint,
} from './model.js';
import { record, takeEndpoint, type Caller } from './service.js';

/** Messages out of line that may wait for one endpoint. */
const QUEUED_MAX = 20;

/** What has already been asked for has to go first. @throws DomainError 409 */
async function requireRoom(trx: Knex.Transaction, endpointId: string): Promise<void> {
  const waiting = await countQueued(trx, endpointId);
  if (waiting < QUEUED_MAX) return;
  const message = `${waiting} messages wait to be sent out of turn; ${QUEUED_MAX} are the most`;
  throw new DomainError('conflict', 40910000, message, { limit: QUEUED_MAX });
}

/**
 * Queues a test message, in the caller's transaction as everything below. It is sent once, also while
 * the endpoint waits after a failure or is turned off.
 * @throws DomainError 404, 409 when many wait already
 */
export async function queueTest(
  trx: Knex.Transaction,
  caller: Caller,
  id: string,
): Promise<Delivery> {
  const endpoint = await takeEndpoint(trx, caller, id);
  await requireRoom(trx, id);
  const delivery: Delivery = {
    id: newId(),
    endpointId: endpoint.id,
    eventId: null,
    type: TEST_TYPE,
    messageId: '',
    status: 'queued',
    attempts: 0,
    attemptedAt: null,
    durationMs: null,
    responseStatus: null,
    responseBody: null,
    error: null,
    createdAt: new Date(),
  };
  const messageId = testMessageId(delivery.id);
  await trx('webhook_deliveries').insert({
    id: delivery.id,
    endpoint_id: id,
    type: delivery.type,
    message_id: messageId,
    status: delivery.status,
    created_at: delivery.createdAt,
    updated_at: delivery.createdAt,
  });
  return { ...delivery, messageId };
}

/**
 * Queues a dead delivery, whoever asks for it. Its endpoint must be locked.
 * @throws DomainError 409 when it is not dead, or many wait already
 */
export async function queueDead(
  trx: Knex.Transaction,
  { id, endpointId, eventId, status }: Pick<Delivery, 'id' | 'endpointId' | 'eventId' | 'status'>,
): Promise<void> {
  if (status !== 'dead') {
    const message = `event ${eventId} is ${status}; only what is dead can be sent again so`;
    throw new DomainError('conflict', 40910000, message, { status_of_delivery: status });
  }
  await requireRoom(trx, endpointId);
  const queued = { status: 'queued', updated_at: new Date() };
  await trx('webhook_deliveries').where({ id }).update(queued);
}

/**
 * Sends a dead event once more, out of line: what came after it is not sent again.
 * @throws DomainError 404 when nothing was ever posted for it, 409 when it is not dead
 */
export async function redrive(
  trx: Knex.Transaction,
  caller: Caller,
  id: string,
  eventId: bigint,
): Promise<Delivery> {
  const endpoint = await takeEndpoint(trx, caller, id);
  const delivery = await findDelivery(trx, id, eventId);
  if (!delivery) throw notFound(`delivery of event ${eventId}`);
  await queueDead(trx, delivery);
  await record(trx, endpoint, caller, {
    action: 'webhook.redriven',
    after: { event_id: Number(eventId) },
  });
  return { ...delivery, status: 'queued' };
}

/**
 * Moves an endpoint back in its account's log: everything from that event on is posted again, in order
 * and with the ids that it had.
 * @throws DomainError 404, 422 for an event that is still to come
 */
export async function replay(
  trx: Knex.Transaction,
  caller: Caller,
  id: string,
  fromEventId: bigint,
): Promise<Endpoint> {
  const endpoint = await takeEndpoint(trx, caller, id);
  if (fromEventId > endpoint.cursor + 1n) {
    const last = await lastEventId(trx, caller.accountId);
    throw invalid(
      `from_event_id was ${fromEventId}; it may be 1 to ${endpoint.cursor + 1n}: this webhook has ` +
        `come to event ${endpoint.cursor} of ${last}`,
    );
  }
  const now = new Date();
  const cursor = fromEventId - 1n;
  const changes = { attempts: 0, head_failing_since: null, due_at: now, updated_at: now };
  await updateEndpoint(trx, id, { cursor: String(cursor), ...changes });
  await record(trx, endpoint, caller, {
    action: 'webhook.replayed',
    before: { last_event_id: Number(endpoint.cursor) },
    after: { last_event_id: Number(cursor) },
  });
  return {
    ...endpoint,
    cursor,
    attempts: 0,
    headFailingSince: null,
    dueAt: now,
    updatedAt: now,
  };
}
