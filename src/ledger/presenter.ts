import type { LedgerProof } from './proof.js';

/** The proof on the wire. */
export const presentProof = (proof: LedgerProof): Record<string, unknown> => ({
  balanced: proof.balanced,
  as_of: proof.asOf.toISOString(),
  mismatched_balances: proof.mismatchedBalances,
  assets: proof.assets.map(({ mismatchedBalances, balanceDifference, ...sums }) => ({
    ...sums,
    mismatched_balances: mismatchedBalances,
    balance_difference: balanceDifference,
  })),
  total: {
    postings: proof.total.postings,
    assets: proof.total.assets,
    unbalanced_assets: proof.total.unbalancedAssets,
    balances: proof.total.balances,
    mismatched_balances: proof.total.mismatchedBalances,
  },
});
