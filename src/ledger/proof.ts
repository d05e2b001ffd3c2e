import type { Knex } from 'knex';
import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import { ledgerMismatches, ledgerProofDuration } from '../metrics.js';

export interface LedgerProof {
  balanced: boolean;
  asOf: Date;
  /** Balances (cash or shares) that differ from the sum of their postings. */
  mismatchedBalances: number;
  assets: AssetProof[];
  /** Over all assets. */
  total: ProofTotal;
}

/** One asset's proof; amounts as decimal text. */
export interface AssetProof {
  asset: string;
  debits: string;
  credits: string;
  difference: string;
  /** How many balances of it were recomputed from their postings: cash, or positions. */
  balances: number;
  mismatchedBalances: number;
  /** By how much those are off, without their signs: two faults never cancel each other out. */
  balanceDifference: string;
}

export interface ProofTotal {
  postings: number;
  assets: number;
  /** Those whose debits and credits differ. */
  unbalancedAssets: number;
  balances: number;
  mismatchedBalances: number;
}

interface ProofRow {
  symbol: string;
  class: string;
  /** Turnover outgrows a bigint of 10^-9 units: numeric, as text. */
  debits: string;
  credits: string;
  postings: bigint;
  balances: bigint;
  mismatched: bigint;
  /** Numeric as text, like the turnover. */
  off_by: string;
}

/**
 * Recomputes everything from the postings, in one snapshot: per asset, debits must equal credits;
 * and every balance of a client or the house must equal the sum of its postings. A balance without
 * postings and postings without a balance count as mismatches too (hence the full join).
 */
const PROOF = `
  with posted as (
    select account_id, asset_id, sum(amount) as amount, count(*) as postings,
      coalesce(sum(amount) filter (where amount > 0), 0) as debits,
      coalesce(-sum(amount) filter (where amount < 0), 0) as credits
    from postings group by account_id, asset_id
  ), balances as (
    select id as account_id, (select id from assets where class = 'currency') as asset_id,
      cash as amount
    from accounts where kind <> 'external' and cash <> 0
    union all
    select account_id, asset_id, qty from positions where qty <> 0
  ), compared as (
    select coalesce(p.asset_id, b.asset_id) as asset_id, coalesce(p.debits, 0) as debits,
      coalesce(p.credits, 0) as credits, coalesce(p.postings, 0) as postings,
      coalesce(a.kind, '') <> 'external' as is_kept,
      abs(coalesce(p.amount, 0) - coalesce(b.amount, 0)) as off_by
    from posted p
    full join balances b on b.account_id = p.account_id and b.asset_id = p.asset_id
    left join accounts a on a.id = p.account_id
  )
  select s.symbol, s.class, sum(debits)::text as debits, sum(credits)::text as credits,
    sum(postings)::bigint as postings, count(*) filter (where is_kept) as balances,
    count(*) filter (where is_kept and off_by <> 0) as mismatched,
    coalesce(sum(off_by) filter (where is_kept), 0)::text as off_by
  from compared join assets s on s.id = compared.asset_id
  group by s.symbol, s.class order by s.symbol`;

const PROOF_TIMEOUT = '5min';

async function readProof(knex: Knex): Promise<ProofRow[]> {
  try {
    return await knex.transaction(async (trx) => {
      await trx.raw(`set local statement_timeout = '${PROOF_TIMEOUT}'`);
      const { rows } = await trx.raw<{ rows: ProofRow[] }>(PROOF);
      return rows;
    });
  } catch (error) {
    ledgerMismatches.set(NaN); // unknown, and no longer the last result
    throw error;
  }
}

/** Proves the ledger; keeps the metric. Debits add to what accounts have, credits take from it. */
export async function proveLedger(knex: Knex): Promise<LedgerProof> {
  const asOf = new Date();
  const end = ledgerProofDuration.startTimer();
  const rows = await readProof(knex);
  end();
  const total = totalOf(rows);
  const wrong = total.mismatchedBalances + total.unbalancedAssets;
  ledgerMismatches.set(wrong);
  return {
    balanced: wrong === 0,
    asOf,
    mismatchedBalances: total.mismatchedBalances,
    assets: rows.map(ofAsset),
    total,
  };
}

const sumOf = (rows: readonly ProofRow[], count: (row: ProofRow) => bigint): number =>
  Number(rows.reduce((sum, row) => sum + count(row), 0n));

const totalOf = (rows: readonly ProofRow[]): ProofTotal => ({
  postings: sumOf(rows, ({ postings }) => postings),
  assets: rows.length,
  unbalancedAssets: rows.filter(({ debits, credits }) => debits !== credits).length,
  balances: sumOf(rows, ({ balances }) => balances),
  mismatchedBalances: sumOf(rows, ({ mismatched }) => mismatched),
});

function ofAsset(row: ProofRow): AssetProof {
  const scale = row.class === 'currency' ? PRICE_SCALE : QTY_SCALE;
  const text = (units: bigint): string => formatDecimal(units, scale);
  return {
    asset: row.symbol,
    debits: text(BigInt(row.debits)),
    credits: text(BigInt(row.credits)),
    difference: text(BigInt(row.debits) - BigInt(row.credits)),
    balances: Number(row.balances),
    mismatchedBalances: Number(row.mismatched),
    balanceDifference: text(BigInt(row.off_by)),
  };
}

const SERVES_MS = 1_000;

/** However many ask, one proof runs at a time, and its result serves for a second. */
export class LedgerProver {
  private latest: { until: number; proof: Promise<LedgerProof> } | undefined;

  constructor(private readonly knex: Knex) {}

  prove(): Promise<LedgerProof> {
    if (this.latest && Date.now() <= this.latest.until) return this.latest.proof;
    const entry = { until: Infinity, proof: proveLedger(this.knex) };
    this.latest = entry;
    entry.proof.then(
      () => (entry.until = Date.now() + SERVES_MS),
      () => (this.latest = undefined),
    );
    return entry.proof;
  }
}
