import type { Knex } from 'knex';
import { recordAct, systemActor } from '../audit/record.js';
import { wantsEvent } from '../domain/webhook-filter.js';
import type { Sealer } from '../identity/sealer.js';
import { fallBackToMail } from '../notifications/fallback.js';
import { enqueueMail } from '../notifications/mails.js';
import type { EventView } from '../streams/events.js';
import type { DisabledReason, Endpoint } from './model.js';

interface Owner {
  readonly clientId: string;
  readonly email: string;
  readonly firstName: string;
}

/**
 * Tells the owner that an endpoint was turned off, and the audit log; in the transaction that turns it
 * off. The events that wait for it are told by mail.
 * @param waiting events after its cursor, as many as are told one by one
 */
export async function announceDisabled(
  trx: Knex.Transaction,
  sealer: Sealer,
  endpoint: Endpoint,
  { reason, waiting }: { reason: Exclude<DisabledReason, 'owner'>; waiting: readonly EventView[] },
): Promise<void> {
  const { id, accountId, url, events } = endpoint;
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
    data: { first_name: owner.firstName, url, why: reason },
  });
  for (const { type, order, eventId } of waiting) {
    if (!wantsEvent(events, { type, isAboutOrder: order !== null })) continue;
    await fallBackToMail(trx, { accountId, eventId });
  }
}
