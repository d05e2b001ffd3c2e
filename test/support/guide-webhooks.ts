import { newId } from '../../src/ids.js';
import type { Api } from './api.js';
import type { Trading } from './trading.js';

/**
 * What the guide's chapter on webhooks begins with: one that has given an event up.
 * @param session with a second factor
 */
export async function addGuideWebhook(
  trading: Trading,
  api: Api,
  session: { Authorization: string },
): Promise<Record<string, string>> {
  const made = await api.call('POST', '/v2/webhooks', {
    headers: session,
    body: { url: 'https://hooks.example/brokerx', events: ['*'] },
  });
  const { id } = made.body as { id: string };
  const now = new Date();
  await trading.container.db.knex('webhook_deliveries').insert({
    id: newId(),
    endpoint_id: id,
    event_id: 1,
    type: 'pending_new',
    message_id: `evt_${trading.accounts[0]!.account_id}_1`,
    status: 'dead',
    attempts: 82,
    attempted_at: now,
    duration_ms: 41,
    response_status: 500,
    response_body: 'Internal Server Error',
    error: 'answered 500',
    created_at: now,
    updated_at: now,
  });
  return { WEBHOOK_ID: id };
}
