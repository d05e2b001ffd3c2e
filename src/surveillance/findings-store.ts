import type { Knex } from 'knex';
import type { Finding } from '../domain/surveillance.js';
import { newId } from '../ids.js';
import { systemActor } from '../audit/record.js';
import { recordCaseAct } from './case-acts.js';
import { subjectOf, type CaseRow, type ListedCase } from './case-model.js';

/** Of one finding; its figures tell how many there were. */
const EVIDENCE_MAX = 200;
/** That a case names; an owner may have more. */
const ACCOUNTS_MAX = 50;

const BY_JOB = systemActor('surveillance');

/** Names what was found: a second worker, or a second run, finds the same. */
export const dedupeKey = ({ kind, rule, accountIds, assetId, bucket }: Finding): string =>
  [kind, rule, subjectOf(accountIds, assetId), bucket].join('|');

/** Those that are not recorded yet. */
export async function unknownFindings(
  trx: Knex.Transaction,
  findings: readonly Finding[],
): Promise<Finding[]> {
  if (findings.length === 0) return [];
  const known = await trx('surveillance_findings')
    .whereIn('dedupe_key', findings.map(dedupeKey))
    .pluck<string[]>('dedupe_key');
  return findings.filter((finding) => !known.includes(dedupeKey(finding)));
}

/**
 * Records a finding with its evidence: in the case of the same kind, accounts and asset that is not
 * closed, else in a new one. In the transaction that moves the progress on.
 * @returns the case, and whether the finding opened it
 */
export async function recordFinding(
  trx: Knex.Transaction,
  finding: Finding,
  now: Date,
): Promise<{ row: CaseRow; opened: boolean }> {
  const { row, opened } = await caseOf(trx, finding, now);
  const id = newId();
  await trx('surveillance_findings').insert({
    id,
    case_id: row.id,
    dedupe_key: dedupeKey(finding),
    rule: finding.rule,
    score: finding.score,
    summary: finding.summary,
    figures: finding.figures,
    window_start: finding.from,
    window_end: finding.to,
    found_at: now,
  });
  const evidence = finding.evidence.slice(0, EVIDENCE_MAX).map((one) => ({
    case_id: row.id,
    finding_id: id,
    subject: one.subject,
    subject_id: one.id,
    account_id: one.accountId,
    occurred_at: one.at,
    figures: one.figures,
  }));
  // a later finding looks back on some of what an earlier one has shown
  if (evidence.length > 0)
    await trx('surveillance_evidence').insert(evidence).onConflict().ignore();
  await recordCaseAct(trx, BY_JOB, await withSymbol(trx, row), {
    action: opened ? 'opened' : 'finding_added',
    after: {
      kind: row.kind,
      account_ids: row.account_ids,
      rule: finding.rule,
      score: finding.score,
      summary: finding.summary,
    },
  });
  return { row, opened };
}

/** Somebody may be opening the same case by hand at this moment: the index decides. */
async function caseOf(
  trx: Knex.Transaction,
  finding: Finding,
  now: Date,
): Promise<{ row: CaseRow; opened: boolean }> {
  const id = newId();
  const { rows } = await trx.raw<{ rows: CaseRow[] }>(
    `insert into surveillance_cases (id, kind, account_ids, asset_id, subject, window_start,
       window_end, score, summary, findings, opened_at, updated_at)
     values (:id, :kind, :accounts::uuid[], :asset, :subject, :from, :to, :score, :summary, 1, :now,
       :now)
     on conflict (kind, subject) where status <> 'closed' do update set
       window_start = least(surveillance_cases.window_start, excluded.window_start),
       window_end = greatest(surveillance_cases.window_end, excluded.window_end),
       score = greatest(surveillance_cases.score, excluded.score),
       findings = surveillance_cases.findings + 1,
       version = surveillance_cases.version + 1,
       updated_at = excluded.updated_at
     returning *`,
    {
      id,
      kind: finding.kind,
      accounts: finding.accountIds.slice(0, ACCOUNTS_MAX),
      asset: finding.assetId,
      subject: subjectOf(finding.accountIds, finding.assetId),
      from: finding.from,
      to: finding.to,
      score: finding.score,
      summary: finding.summary,
      now,
    },
  );
  const row = rows[0]!;
  return { row, opened: row.id === id };
}

async function withSymbol(trx: Knex.Transaction, row: CaseRow): Promise<ListedCase> {
  const asset = await trx('assets')
    .where({ id: row.asset_id })
    .first<{ symbol: string } | undefined>('symbol');
  return { ...row, symbol: asset?.symbol ?? null };
}
