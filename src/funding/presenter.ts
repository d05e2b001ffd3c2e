import { formatDecimal, PRICE_SCALE } from '../domain/money.js';
import type { TransferStatus } from '../domain/transfer-state.js';
import type { Transfer, TransferEvent } from './transfer-model.js';

const money = (units: bigint): string => formatDecimal(units, PRICE_SCALE);

/** Our words and those of Alpaca's Broker API. */
export const STATUS_ON_WIRE = {
  queued: 'QUEUED',
  sent: 'SENT_TO_CLEARING',
  settled: 'COMPLETE',
  failed: 'REJECTED',
  canceled: 'CANCELED',
  returned: 'RETURNED',
} as const satisfies Record<TransferStatus, string>;

export const DIRECTION_ON_WIRE = { incoming: 'INCOMING', outgoing: 'OUTGOING' } as const;

/** A transfer in the wire format of Alpaca's Broker API. */
export const presentTransfer = (transfer: Transfer): Record<string, unknown> => ({
  id: transfer.id,
  account_id: transfer.accountId,
  bank_account_id: transfer.bankAccountId,
  type: transfer.type,
  status: STATUS_ON_WIRE[transfer.status],
  amount: money(transfer.amount),
  currency: 'USD',
  direction: DIRECTION_ON_WIRE[transfer.direction],
  reason: transfer.reason,
  created_at: transfer.createdAt.toISOString(),
  updated_at: transfer.updatedAt.toISOString(),
  expires_at: transfer.expiresAt.toISOString(),
  settled_at: transfer.settledAt?.toISOString() ?? null,
});

/** As staff see it. */
export const presentStaffTransfer = (transfer: Transfer): Record<string, unknown> => ({
  ...presentTransfer(transfer),
  client_id: transfer.clientId,
  owed: money(transfer.owed),
  disputed: transfer.disputed,
});

export const presentTransferEvent = (event: TransferEvent): Record<string, unknown> => ({
  id: event.id,
  type: event.type,
  status: STATUS_ON_WIRE[event.status],
  provider_event_id: event.providerEventId,
  reason: event.reason,
  occurred_at: event.occurredAt.toISOString(),
});
