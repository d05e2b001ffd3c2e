import type { Approval } from './model.js';

/** An approval as the API shows it. */
export const presentApproval = (approval: Approval): Record<string, unknown> => ({
  id: approval.id,
  kind: approval.kind,
  status: approval.status,
  summary: approval.summary,
  payload: approval.payload,
  subject: approval.subject,
  requested_by: approval.requested_by,
  reason: approval.reason,
  decided_by: approval.decided_by,
  decision_reason: approval.decision_reason,
  failure: approval.failure,
  result: approval.result,
  created_at: approval.created_at.toISOString(),
  expires_at: approval.expires_at.toISOString(),
  decided_at: approval.decided_at?.toISOString() ?? null,
  version: approval.version,
});
