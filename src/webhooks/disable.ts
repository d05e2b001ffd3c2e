import type { Knex } from 'knex';
import { recordAct, systemActor } from '../audit/record.js';
import type { Sealer } from '../identity/sealer.js';
import { fallBackToMail } from '../notifications/fallback.js';
import { enqueueMail } from '../notifications/mails.js';
import type { DisabledReason, Endpoint } from './model.js';

interface Owner {
  readonly clientId: string;
  readonly email: string;
  readonly firstName: string;
}

interface TurnedOff {
  readonly reason: Exclude<DisabledReason, 'owner'>;
  readonly sinceId: bigint;
  readonly waiting: readonly bigint[];
}

/**
 * Tells the owner that an endpoint was turned off, and the audit log; in the transaction that turns it
 * off. Of what waits for it the first events are told by mail: those of orders share their mails, and
 * where the others are the owner is told, too. Whoever has 10,000 events waiting gets no 10,000 mails.
 * @param sinceId the last event that the endpoint has taken, or passed over
 * @param waiting the first events after it, as many as are told
 */
export async function announceDisabled(
  trx: Knex.Transaction,
  sealer: Sealer,
  endpoint: Endpoint,
  { reason, sinceId, waiting }: TurnedOff,
): Promise<void> {
  const { id, accountId, url } = endpoint;
  const owner = await trx('accounts as a')
    .join('clients as c', 'c.id', 'a.client_id')
    .where('a.id', accountId)
    .first<Owner>({ clientId: 'c.id', email: 'c.email', firstName: 'c.first_name' });
  await recordAct(trx, systemActor('webhooks'), {
    action: 'webhook.disabled',
    subject: { client_id: owner.clientId, account_id: accountId, webhook_id: id },
    before: { enabled: true },
    after: { enabled: false, disabled_reason: reason },
  });
  await enqueueMail(trx, sealer, {
    kind: 'webhook_disabled',
    to: owner.email,
    clientId: owner.clientId,
    data: { first_name: owner.firstName, url, why: reason, since_id: String(sinceId) },
  });
  for (const eventId of waiting) await fallBackToMail(trx, { accountId, eventId });
}
