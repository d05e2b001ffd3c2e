/**
 * What clients are told of, whatever the channel. The names are permanent: they stand in rows, in
 * preferences and in webhooks.
 */
export const NOTIFICATION_EVENTS = {
  orders: [
    'order.accepted',
    'order.partially_filled',
    'order.filled',
    'order.rejected',
    'order.canceled',
    'order.expired',
  ],
  transfers: ['transfer.settled', 'transfer.failed', 'transfer.returned'],
  security: [
    'security.new_device',
    'security.api_key_created',
    'security.second_factor_changed',
    'security.password_changed',
    'security.email_changed',
  ],
  account: ['account.activated', 'account.rejected', 'account.suspended'],
  statements: ['statement.ready'],
} as const;

export type NotificationGroup = keyof typeof NOTIFICATION_EVENTS;
export type NotificationEvent = (typeof NOTIFICATION_EVENTS)[NotificationGroup][number];

/** Amounts and quantities are decimal text, times RFC 3339 in UTC. */
export interface OrderData {
  readonly order_id: string;
  readonly client_order_id: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly type: string;
  /** Null for an order by notional that has no quantity yet. */
  readonly qty: string | null;
  readonly notional: string | null;
  readonly limit_price: string | null;
  readonly stop_price: string | null;
  readonly status: string;
  /** Why it was rejected, canceled or expired. */
  readonly reason: string | null;
  /** Of this message: what was executed since the last one. Zero when it tells of no execution. */
  readonly executions: number;
  readonly executed_qty: string;
  /** Null without an execution. */
  readonly average_price: string | null;
  readonly value: string;
  readonly fees: string;
  /** Of the order so far. */
  readonly filled_qty: string;
}

export interface TransferData {
  readonly transfer_id: string;
  readonly direction: 'deposit' | 'withdrawal';
  readonly amount: string;
  /** Such as `My bank (...1234)`. */
  readonly bank_account: string;
  readonly reason: string | null;
  /** What the client owes the house after it; null for nothing. */
  readonly owed: string | null;
}

export interface SecurityData {
  readonly at: string;
  /** Where known. */
  readonly ip: string | null;
  readonly device: string | null;
  /** What has changed, in words of the product such as `TOTP enabled`, or the label of an API key. */
  readonly detail: string | null;
}

export interface AccountData {
  readonly at: string;
  readonly reason: string | null;
}

export interface StatementData {
  readonly statement_id: string;
  /** Such as `2026-11-26`. */
  readonly day: string;
}

type DataOf<Event extends NotificationEvent> = Event extends `order.${string}`
  ? OrderData
  : Event extends `transfer.${string}`
    ? TransferData
    : Event extends `security.${string}`
      ? SecurityData
      : Event extends `account.${string}`
        ? AccountData
        : StatementData;

/** One thing to tell a client. */
export type Told = {
  [Event in NotificationEvent]: { readonly event: Event; readonly data: DataOf<Event> };
}[NotificationEvent];

/** In which clients are written to; English unless they choose. */
export const LANGUAGES = ['en', 'fr'] as const;
export type Language = (typeof LANGUAGES)[number];
