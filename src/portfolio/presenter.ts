import { formatDecimal, PRICE_SCALE } from '../domain/money.js';
import { dateText } from '../http/calendar-date.js';
import type { History } from './history.js';

const RATIO_SCALE = 6;
const RATIO_ONE = 10n ** BigInt(RATIO_SCALE);

/** The wire contract has numbers here: for a chart, and read from exact text. */
const number = (units: bigint, scale = PRICE_SCALE): number => Number(formatDecimal(units, scale));

const ratio = (part: bigint, whole: bigint): number =>
  whole === 0n ? 0 : number((part * RATIO_ONE) / whole, RATIO_SCALE);

/** A portfolio's history in Alpaca's wire format: one list a member. */
export function presentHistory(history: History): Record<string, unknown> {
  const { points, base, baseDay, timeframe, cashflow } = history;
  return {
    timestamp: points.map(({ time }) => time.getTime() / 1_000),
    equity: points.map(({ equity }) => number(equity)),
    profit_loss: points.map((point) => number(point.equity - point.base)),
    profit_loss_pct: points.map((point) => ratio(point.equity - point.base, point.base)),
    base_value: number(base),
    base_value_asof: baseDay && dateText(baseDay),
    timeframe,
    cashflow: Object.fromEntries(
      [...cashflow].map(([type, sums]) => [type, sums.map((sum) => number(sum))]),
    ),
  };
}
