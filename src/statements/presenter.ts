import { presentActivity } from '../activities/presenter.js';
import type { Activity } from '../activities/model.js';
import {
  averagePrice,
  formatDecimal,
  PRICE_SCALE,
  QTY_SCALE,
  tradeValue,
} from '../domain/money.js';
import type { Statement, StatementPosition, StatementSummary } from './model.js';

const money = (units: bigint): string => formatDecimal(units, PRICE_SCALE);

/** A statement as the list shows it. */
export const presentSummary = (statement: StatementSummary): Record<string, unknown> => ({
  date: statement.date,
  opens_at: statement.opensAt?.toISOString() ?? null,
  closes_at: statement.closesAt.toISOString(),
  currency: 'USD',
  opening_cash: money(statement.openingCash),
  deposits: money(statement.deposits),
  withdrawals: money(statement.withdrawals),
  adjustments: money(statement.adjustments),
  purchases: money(statement.purchases),
  sales: money(statement.sales),
  fees: money(statement.fees),
  closing_cash: money(statement.closingCash),
  position_value: money(statement.positionValue),
  equity: money(statement.equity),
  trades: statement.trades,
  created_at: statement.createdAt.toISOString(),
});

/** What a position was worth at the close, rounded towards zero, in 10^-4 USD. */
export const valueOf = ({ closePrice, qty }: StatementPosition): bigint =>
  tradeValue(closePrice ?? 0n, qty);

const presentPosition = (position: StatementPosition): Record<string, unknown> => ({
  asset_id: position.assetId,
  symbol: position.symbol,
  qty: formatDecimal(position.qty, QTY_SCALE),
  close_price: position.closePrice === null ? null : money(position.closePrice),
  market_value: money(valueOf(position)),
  cost_basis: money(position.costBasis),
  avg_entry_price: position.qty > 0n ? averagePrice(position.costBasis, position.qty) : '0',
  unrealized_pl: money(valueOf(position) - position.costBasis),
});

/** Everything but the activities. */
const presentHead = (statement: Statement): Record<string, unknown> => ({
  account_id: statement.accountId,
  account_number: statement.accountNumber,
  account_holder: statement.accountHolder,
  ...presentSummary(statement),
  positions: statement.positions.map(presentPosition),
});

/**
 * The whole statement as JSON text, piece by piece: the activities are read while they are sent, and
 * a day of a busy program has very many.
 */
export async function* writeJson(
  statement: Statement,
  activities: AsyncIterable<Activity>,
): AsyncGenerator<string> {
  yield `${JSON.stringify(presentHead(statement)).slice(0, -1)},"activities":[`;
  let separator = '';
  for await (const activity of activities) {
    yield separator + JSON.stringify(presentActivity(activity, statement.accountId));
    separator = ',';
  }
  yield ']}';
}
