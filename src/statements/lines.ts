import { describeJournal } from '../activities/presenter.js';
import type { Activity } from '../activities/model.js';
import { tradeValue } from '../domain/money.js';

/** An activity as a line of a table: a trade with its fee, or money or shares in or out. */
export interface StatementLine {
  readonly time: Date;
  /** FILL, CSD, CSW, JNLC or JNLS. */
  readonly type: string;
  readonly description: string;
  readonly symbol: string | null;
  readonly side: 'buy' | 'sell' | null;
  /** In 10^-9 units, as traded; of shares that went out it is negative. */
  readonly qty: bigint | null;
  /** In 10^-4 USD, as what follows. */
  readonly price: bigint | null;
  /** What it changed of the cash, the fee included. */
  readonly amount: bigint;
  readonly fee: bigint;
  /** The order or the journal. */
  readonly reference: string;
}

/** @param activity of a list without fees: a trade's line has its own */
export function lineOf(activity: Activity): StatementLine {
  if (activity.kind === 'journal') {
    const { journal } = activity;
    const isMoney = journal.symbol === null;
    return {
      time: activity.time,
      type: journal.type,
      description: describeJournal(journal.journalKind),
      symbol: journal.symbol,
      side: null,
      qty: isMoney ? null : journal.amount,
      price: null,
      amount: isMoney ? journal.amount : 0n,
      fee: 0n,
      reference: journal.journalId,
    };
  }
  const { fill } = activity;
  const value = tradeValue(fill.price, fill.qty);
  return {
    time: activity.time,
    type: 'FILL',
    description: fill.side === 'buy' ? 'Bought' : 'Sold',
    symbol: fill.symbol,
    side: fill.side,
    qty: fill.qty,
    price: fill.price,
    amount: (fill.side === 'buy' ? -value : value) - fill.fee,
    fee: fill.fee,
    reference: fill.orderId,
  };
}
