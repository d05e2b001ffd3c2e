import type { EvidenceRow, ListedCase } from './case-model.js';

/** A case as the API shows it, and as acts on it are recorded. */
export const presentCase = (row: ListedCase) => ({
  id: row.id,
  kind: row.kind,
  status: row.status,
  account_ids: row.account_ids,
  asset_id: row.asset_id,
  symbol: row.symbol,
  window_start: row.window_start.toISOString(),
  window_end: row.window_end.toISOString(),
  score: row.score,
  summary: row.summary,
  findings: row.findings,
  opened_by: row.opened_by,
  assigned_to: row.assigned_to,
  resolution: row.resolution,
  version: row.version,
  opened_at: row.opened_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
  closed_at: row.closed_at?.toISOString() ?? null,
});

export const presentEvidence = (row: EvidenceRow) => ({
  id: row.id.toString(),
  finding_id: row.finding_id,
  rule: row.rule,
  subject: row.subject,
  subject_id: row.subject_id,
  account_id: row.account_id,
  occurred_at: row.occurred_at.toISOString(),
  figures: row.figures,
});
