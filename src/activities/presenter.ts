import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import { dateText } from '../http/calendar-date.js';
import { activityId } from './activity-id.js';
import type { Activity, FillRow, JournalRow } from './model.js';

const money = (units: bigint): string => formatDecimal(units, PRICE_SCALE);
const quantity = (units: bigint): string => formatDecimal(units, QTY_SCALE);

/** An activity in Alpaca's wire format: a trade's, or another one's. */
export function presentActivity(activity: Activity, accountId: string): Record<string, unknown> {
  const id = activityId(activity.time, activity.position, accountId);
  switch (activity.kind) {
    case 'fill':
      return presentFill(id, activity.fill);
    case 'fee':
      return presentFee(id, activity.fill);
    case 'journal':
      return presentJournal(id, activity.journal);
  }
}

function presentFill(id: string, fill: FillRow): Record<string, unknown> {
  const leaves = fill.orderStatus === 'filled' ? 0n : fill.orderQty - fill.filledQty;
  return {
    id,
    activity_type: 'FILL',
    transaction_time: fill.occurredAt.toISOString(),
    type: fill.type,
    price: money(fill.price),
    qty: quantity(fill.qty),
    side: fill.side,
    symbol: fill.symbol,
    leaves_qty: quantity(leaves > 0n ? leaves : 0n),
    cum_qty: quantity(fill.filledQty),
    order_id: fill.orderId,
    order_status: fill.orderStatus,
  };
}

/** What all activities that are no trades have. */
const nonTrade = (id: string, time: Date) => ({
  id,
  activity_sub_type: null,
  date: dateText(time),
  created_at: time.toISOString(),
  symbol: null,
  qty: null,
  price: null,
  per_share_amount: null,
  currency: 'USD',
  cusip: null,
  group_id: null,
  order_id: null,
  status: 'executed',
});

const presentFee = (id: string, fill: FillRow): Record<string, unknown> => ({
  ...nonTrade(id, fill.occurredAt),
  activity_type: 'FEE',
  activity_sub_type: 'COM',
  net_amount: money(-fill.fee),
  symbol: fill.symbol,
  order_id: fill.orderId,
  description: `Fee for ${fill.side === 'buy' ? 'buying' : 'selling'} ${quantity(fill.qty)} ${fill.symbol}`,
});

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  opening: 'Brought in when the account was opened',
  deposit: 'Deposit',
  withdrawal: 'Withdrawal',
  adjustment: 'Adjustment',
  reversal: 'Transfer returned',
};

/** What a kind of journal is called; a kind without a name of its own by itself. */
export const describeJournal = (kind: string): string => DESCRIPTIONS[kind] ?? kind;

const presentJournal = (id: string, journal: JournalRow): Record<string, unknown> => ({
  ...nonTrade(id, journal.createdAt),
  activity_type: journal.type,
  net_amount: journal.symbol === null ? money(journal.amount) : '0',
  symbol: journal.symbol,
  qty: journal.symbol === null ? null : quantity(journal.amount),
  group_id: journal.journalId,
  description: describeJournal(journal.journalKind),
});
