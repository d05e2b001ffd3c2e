/**
 * What becomes of a transfer: queued, sent to the payment provider, then settled or failed; a settled
 * one may come back. Only the provider's events move it on once it is sent, and they take effect in the
 * order of their sequence numbers: so the outcome does not depend on the order in which they arrive,
 * nor on how often.
 */

export const TRANSFER_STATUSES = [
  'queued', // accepted and durable; may still be canceled
  'sent', // the provider has it, or may have it
  'settled', // the money has moved, and is booked
  'failed', // nothing has moved
  'canceled', // before it was sent
  'returned', // the money has come back, and is booked back
] as const;
export type TransferStatus = (typeof TRANSFER_STATUSES)[number];

export const OPEN_STATUSES = ['queued', 'sent'] as const satisfies readonly TransferStatus[];

export const PROVIDER_EVENTS = ['accepted', 'settled', 'failed', 'returned'] as const;
export type ProviderEventType = (typeof PROVIDER_EVENTS)[number];

/** What an event of the provider means for a transfer. */
export type Verdict =
  /** It moves on. */
  | { readonly kind: 'moves'; readonly to: 'settled' | 'failed' | 'returned' }
  /** Nothing that we did not know. */
  | { readonly kind: 'nothing_new' }
  /** It cannot be, after what the provider has said before: nothing is booked, and somebody looks. */
  | { readonly kind: 'contradiction' };

const NOTHING_NEW: Verdict = { kind: 'nothing_new' };
const CONTRADICTION: Verdict = { kind: 'contradiction' };

/** @param event the next one in order */
export function judgeEvent(status: TransferStatus, event: ProviderEventType): Verdict {
  switch (status) {
    case 'sent':
      if (event === 'accepted') return NOTHING_NEW;
      return event === 'returned' ? CONTRADICTION : { kind: 'moves', to: event };
    case 'settled':
      if (event === 'returned') return { kind: 'moves', to: 'returned' };
      return event === 'failed' ? CONTRADICTION : NOTHING_NEW;
    case 'failed':
    case 'returned':
      return event === status || event === 'accepted' ? NOTHING_NEW : CONTRADICTION;
    case 'queued':
    case 'canceled':
      return CONTRADICTION; // we never sent it
  }
}

/**
 * The events whose turn it is: those that follow the last one without a gap.
 * @param last     the sequence number of the last event that took effect; 0 before the first
 * @param received in any order, without duplicates
 */
export function eventsInTurn<Event extends { readonly sequence: number }>(
  last: number,
  received: readonly Event[],
): Event[] {
  const bySequence = new Map(received.map((event) => [event.sequence, event]));
  const turn: Event[] = [];
  for (let next = last + 1; bySequence.has(next); next += 1) turn.push(bySequence.get(next)!);
  return turn;
}

/**
 * How the money of a deposit that came back is raised: what is free on the account, and the rest is
 * owed. Cash is never below what is held, and never below zero.
 * @param amount, cash, cashHeld in 10^-4 USD
 */
export function splitReturn(
  amount: bigint,
  { cash, cashHeld }: { readonly cash: bigint; readonly cashHeld: bigint },
): { readonly taken: bigint; readonly owed: bigint } {
  const free = cash - cashHeld;
  const taken = free < amount ? free : amount;
  return { taken, owed: amount - taken };
}
