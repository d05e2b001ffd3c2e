/**
 * What a customer of the payment provider puts into its queue: the provider's API. An instruction never
 * changes, so it may come late, and as often as it likes; who it is about and where the money goes are
 * tokens that say nothing to anybody else.
 */

export const PAYMENTS_QUEUE = 'payments';

/** "Collect this from, or send it to, that bank account." The same reference is the same payment. */
export interface PaymentInstruction {
  readonly reference: string;
  readonly direction: 'incoming' | 'outgoing';
  /** In dollars, such as `"150.25"`. */
  readonly amount: string;
  /** The token of the bank account. */
  readonly bank_account: string;
}

/** "Tell me again what has become of it." */
export interface PaymentQuery {
  readonly reference: string;
}

export type PaymentJob =
  | { readonly kind: 'pay'; readonly instruction: PaymentInstruction }
  | { readonly kind: 'query'; readonly query: PaymentQuery };

/** What the provider posts to its customer, signed as Standard Webhooks are. */
export interface PaymentEvent {
  readonly id: string;
  readonly type: `payment.${'accepted' | 'settled' | 'failed' | 'returned'}`;
  /** Its place among the payment's events: 1, 2, ... without a gap. */
  readonly sequence: number;
  /** RFC 3339 in UTC. */
  readonly created_at: string;
  readonly payment: {
    /** The provider's own id. */
    readonly id: string;
    readonly reference: string;
    readonly direction: 'incoming' | 'outgoing';
    readonly amount: string;
    readonly currency: 'USD';
  };
  /** Why it failed or came back. */
  readonly reason: string | null;
}
