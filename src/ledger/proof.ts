import type { Knex } from 'knex';
import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import { ledgerMismatches } from '../metrics.js';

export interface LedgerProof {
  balanced: boolean;
  asOf: Date;
  /** Balances (cash or shares) that differ from the sum of their postings. */
  mismatchedBalances: number;
  /** Amounts as decimal text. */
  assets: { asset: string; debits: string; credits: string; difference: string }[];
}

interface ProofRow {
  symbol: string;
  class: string;
  /** Turnover outgrows a bigint of 10^-9 units: numeric, as text. */
  debits: string;
  credits: string;
  mismatched: bigint;
}

/**
 * Recomputes everything from the postings, in one snapshot: per asset, debits must equal credits;
 * and every balance of a client or the house must equal the sum of its postings. A balance without
 * postings and postings without a balance count as mismatches too (hence the full join).
 */
const PROOF = `
  with posted as (
    select account_id, asset_id, sum(amount) as amount,
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
      coalesce(p.credits, 0) as credits,
      coalesce(p.amount, 0) <> coalesce(b.amount, 0) and coalesce(a.kind, '') <> 'external' as off
    from posted p
    full join balances b on b.account_id = p.account_id and b.asset_id = p.asset_id
    left join accounts a on a.id = p.account_id
  )
  select s.symbol, s.class, sum(debits)::text as debits, sum(credits)::text as credits,
    count(*) filter (where off) as mismatched
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
  const rows = await readProof(knex);
  const mismatchedBalances = rows.reduce((sum, row) => sum + Number(row.mismatched), 0);
  const unbalanced = rows.filter((row) => row.debits !== row.credits).length;
  const balanced = mismatchedBalances + unbalanced === 0;
  ledgerMismatches.set(mismatchedBalances + unbalanced);
  const text = (row: ProofRow, units: bigint) =>
    formatDecimal(units, row.class === 'currency' ? PRICE_SCALE : QTY_SCALE);
  return {
    balanced,
    asOf,
    mismatchedBalances,
    assets: rows.map((row) => ({
      asset: row.symbol,
      debits: text(row, BigInt(row.debits)),
      credits: text(row, BigInt(row.credits)),
      difference: text(row, BigInt(row.debits) - BigInt(row.credits)),
    })),
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
