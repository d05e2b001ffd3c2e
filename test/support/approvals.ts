import type { ApiKeyCredentials } from '../../src/identity/new-api-key.js';
import type { Answer, Api } from './api.js';

/** Decides about what an earlier answer said is waiting (202). */
export function decide(
  api: Api,
  as: ApiKeyCredentials,
  waiting: Answer,
  verb: 'approve' | 'reject' | 'withdraw' = 'approve',
  reason = 'checked',
): Promise<Answer> {
  const { id } = waiting.body as { id: string };
  return api.call('POST', `/v2/admin/approvals/${id}/${verb}`, { as, body: { reason } });
}
