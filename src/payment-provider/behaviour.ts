import type { ProviderEventType } from '../domain/transfer-state.js';

/** One answer of the provider to an instruction. */
export interface PlannedAnswer {
  readonly type: ProviderEventType;
  readonly reason?: string;
  /** After the instruction; null: only when the provider is asked. */
  readonly afterMs: number | null;
  /** So often it is told again after it was received. */
  readonly repeats?: number;
}

/** How the provider treats a payment: what the last two digits of its amount say. */
export interface Behaviour {
  readonly cents: number;
  readonly summary: string;
  /** In the order of their sequence numbers. */
  readonly answers: readonly PlannedAnswer[];
}

const LATER_MS = 3_000;
const SOON_MS = 1_000;

const accepted: PlannedAnswer = { type: 'accepted', afterMs: 0 };
const settled: PlannedAnswer = { type: 'settled', afterMs: 0 };

const SETTLES_AT_ONCE: Behaviour = {
  cents: 0,
  summary: 'settles at once',
  answers: [accepted, settled],
};

/** As the sandboxes of real providers do it: magic amounts. All other cents settle at once. */
export const BEHAVIOURS: readonly Behaviour[] = [
  SETTLES_AT_ONCE,
  {
    cents: 1,
    summary: 'settles 3 seconds later',
    answers: [accepted, { ...settled, afterMs: LATER_MS }],
  },
  {
    cents: 2,
    summary: 'fails: insufficient funds',
    answers: [accepted, { type: 'failed', reason: 'insufficient_funds', afterMs: 0 }],
  },
  {
    cents: 3,
    summary: 'settles, and says so several times, also in a new event',
    answers: [accepted, { ...settled, repeats: 2 }, { ...settled, repeats: 1 }],
  },
  {
    cents: 4,
    summary: 'settles; "settled" comes a second before "accepted"',
    answers: [{ ...accepted, afterMs: SOON_MS }, settled],
  },
  {
    cents: 5,
    summary: 'settles, and says later that it failed: a contradiction',
    answers: [accepted, settled, { type: 'failed', reason: 'late_failure', afterMs: SOON_MS }],
  },
  {
    cents: 6,
    summary: 'settles, and comes back 3 seconds later',
    answers: [accepted, settled, { type: 'returned', reason: 'charged_back', afterMs: LATER_MS }],
  },
  {
    cents: 7,
    summary: 'settles, and never says so unless it is asked',
    answers: [
      { ...accepted, afterMs: null },
      { ...settled, afterMs: null },
    ],
  },
  {
    cents: 8,
    summary: 'is refused: the bank account is closed',
    answers: [{ type: 'failed', reason: 'account_closed', afterMs: 0 }],
  },
];

/** @param amount in 10^-4 USD */
export function behaviourFor(amount: bigint): Behaviour {
  const cents = Number((amount / 100n) % 100n);
  return BEHAVIOURS.find((behaviour) => behaviour.cents === cents) ?? SETTLES_AT_ONCE;
}
