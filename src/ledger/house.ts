/** The ids that migrations give to the accounts that are not a client's (20261122000800). */

/** Earns the fees. */
export const FEES_ACCOUNT = '00000000-0000-7000-8000-000000000001';
/** The market maker's money and shares. */
export const MAKER_ACCOUNT = '00000000-0000-7000-8000-000000000002';
/** The world outside: the other side of deposits and of shares that are brought in. */
export const EXTERNAL_ACCOUNT = '00000000-0000-7000-8000-000000000003';
/** The other side of manual adjustments (migration 20261126001410): what the house has corrected. */
export const ADJUSTMENTS_ACCOUNT = '00000000-0000-7000-8000-000000000009';
/** The bank where clients' money lies: the other side of transfers. */
export const BANK_ACCOUNT = '00000000-0000-7000-8000-000000000004';
/** What clients owe the house. */
export const RECEIVABLES_ACCOUNT = '00000000-0000-7000-8000-000000000005';
/** The external venue: the other side of what is traded there. */
export const VENUE_ACCOUNT = '00000000-0000-7000-8000-00000000000a';
/** External accounts: their balance is the sum of their postings and stands nowhere else. */
export const EXTERNAL_ACCOUNTS: ReadonlySet<string> = new Set([
  EXTERNAL_ACCOUNT,
  BANK_ACCOUNT,
  RECEIVABLES_ACCOUNT,
  ADJUSTMENTS_ACCOUNT,
  VENUE_ACCOUNT,
]);
/** The currency, as an asset of the ledger. */
export const USD = '00000000-0000-7000-8000-000000000840';
