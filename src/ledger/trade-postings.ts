import { FEES_ACCOUNT, USD } from './house.js';

/** One side of a trade. The fee is in 10^-4 USD. */
export interface TradeSide {
  accountId: string;
  fee: bigint;
}

export interface PostingRow {
  journalId: string;
  line: number;
  accountId: string;
  assetId: string;
  /** Signed: 10^-4 USD for the currency, 10^-9 units for everything else. */
  amount: bigint;
}

/**
 * The double entry of a trade: cash from buyer to seller, shares from seller to buyer, and the fees of
 * both to the house. Sums to zero per asset; lines of zero are left out.
 * @param trade `id` names the journal; value in 10^-4 USD, qty in 10^-9 units
 */
export function tradePostings(
  trade: { id: string; assetId: string; qty: bigint; value: bigint },
  buyer: TradeSide,
  seller: TradeSide,
): PostingRow[] {
  const { id, assetId, qty, value } = trade;
  const entries: [accountId: string, assetId: string, amount: bigint][] = [
    [buyer.accountId, USD, -(value + buyer.fee)],
    [seller.accountId, USD, value - seller.fee],
    [FEES_ACCOUNT, USD, buyer.fee + seller.fee],
    [buyer.accountId, assetId, qty],
    [seller.accountId, assetId, -qty],
  ];
  return entries
    .filter(([, , amount]) => amount !== 0n)
    .map(([accountId, asset, amount], line) => ({
      journalId: id,
      line,
      accountId,
      assetId: asset,
      amount,
    }));
}
