/**
 * The numbers of Postgres' advisory locks: each guards one thing in the whole product, so no two may be
 * equal. Locks that a text names (`hashtextextended`) are beside these; they are 64 bits of a hash.
 */
export const ADVISORY_LOCKS = {
  /** Who leads, of the processes with the role. Held as long as they do. */
  marketLeader: 7_270_001,
  marketDataLeader: 7_270_003,
  priceBandsLeader: 7_270_004,
  /** Two seeds at once: one after the other. */
  seedAssets: 7_270_002,
  /** Passes hold it shared; who sets a block waits until those under way have ended. */
  settlementGate: 7_270_200,
  /** The pre-trade limits change one at a time. */
  limits: 7_270_210,
  /** One anchor of the audit log is written at a time. */
  auditAnchor: 7_270_220,
  /** One process gathers facts into messages. */
  gather: 6_032_001,
  /** One process claims mails. */
  claimMails: 6_032_002,
} as const;
