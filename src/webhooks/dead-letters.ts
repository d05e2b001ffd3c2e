import type { Knex } from 'knex';
import type { DeadLetterPage, DeadLetterRow } from '../notifications/dead-letters.js';
import type { Delivery } from './model.js';
import { queueDead } from './resend.js';

const LIST = `
  select d.id, 'webhook' as channel, d.type as event, a.client_id as "clientId", d.attempts,
    d.error as "lastError", d.created_at as "createdAt", d.updated_at as "deadAt"
  from webhook_deliveries d
  join webhook_endpoints e on e.id = d.endpoint_id
  join accounts a on a.id = e.account_id
  where d.status = 'dead'
    and d.id < coalesce(:before::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  order by d.id desc limit :limit`;

/** Events that an endpoint did not take for days, of all clients, for staff. */
export async function listDeadWebhooks(
  knex: Knex,
  { limit, page_token: before }: DeadLetterPage,
): Promise<DeadLetterRow[]> {
  const { rows } = await knex.raw<{ rows: DeadLetterRow[] }>(LIST, {
    limit,
    before: before ?? null,
  });
  return rows;
}

interface Found extends Pick<Delivery, 'id' | 'endpointId' | 'eventId' | 'status'> {
  readonly clientId: string | null;
}

/**
 * Sends one of them once more, as its owner may: out of line, with the `webhook-id` that it had.
 * @returns whose it is; undefined when there is no such delivery
 * @throws DomainError 409 when it is not dead, or many wait already
 */
export async function redriveDeadWebhook(
  trx: Knex.Transaction,
  id: string,
): Promise<{ clientId: string | null } | undefined> {
  const found = await trx('webhook_deliveries as d')
    .join('webhook_endpoints as e', 'e.id', 'd.endpoint_id')
    .join('accounts as a', 'a.id', 'e.account_id')
    .where('d.id', id)
    .forUpdate('e', 'd')
    .first<Found | undefined>({
      id: 'd.id',
      endpointId: 'd.endpoint_id',
      eventId: 'd.event_id',
      status: 'd.status',
      clientId: 'a.client_id',
    });
  if (found) await queueDead(trx, found);
  return found;
}
