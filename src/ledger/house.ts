/** The ids that migrations give to the accounts that are not a client's (20261122000800). */

/** Earns the fees. */
export const FEES_ACCOUNT = '00000000-0000-7000-8000-000000000001';
/** The market maker's money and shares. */
export const MAKER_ACCOUNT = '00000000-0000-7000-8000-000000000002';
/** The world outside: the other side of deposits and of shares that are brought in. */
export const EXTERNAL_ACCOUNT = '00000000-0000-7000-8000-000000000003';
/** The other side of manual adjustments (migration 20261126001410): what the house has corrected. */
export const ADJUSTMENTS_ACCOUNT = '00000000-0000-7000-8000-000000000009';
/** The currency, as an asset of the ledger. */
export const USD = '00000000-0000-7000-8000-000000000840';
