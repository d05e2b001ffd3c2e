import type { Knex } from 'knex';
import { findValuedAccount } from '../accounts/model.js';
import { readJournals, type JournalType } from '../activities/model.js';
import { marketDay, tradingDayBefore } from '../domain/calendar.js';
import type { MarketHours } from '../domain/clock.js';
import { notFound } from '../errors.js';
import { closeBefore, planRange, type RangeRequest, type Timeframe, type Window } from './range.js';

export interface HistoryRequest extends RangeRequest {
  /** Whether each day's profit is counted from the close before it, or all from the beginning. */
  readonly pnlReset: 'per_day' | 'no_reset';
  readonly cashflowTypes: readonly JournalType[];
}

/** One data point; money in 10^-4 USD. */
export interface HistoryPoint {
  readonly time: Date;
  readonly equity: bigint;
  /** What its profit is counted from. */
  readonly base: bigint;
}

export interface History {
  readonly timeframe: Timeframe;
  readonly points: readonly HistoryPoint[];
  readonly base: bigint;
  /** The trading day whose close the base is; null when it is the first data point. */
  readonly baseDay: Date | null;
  /** By type: what came in since the beginning, at the end of each point. */
  readonly cashflow: ReadonlyMap<JournalType, readonly bigint[]>;
}

const CASHFLOWS_MAX = 10_000;
const DAY_MS = 86_400_000;

/** An equity snapshot holds until the next: null before the first. */
async function readEquityAt(
  knex: Knex,
  accountId: string,
  times: Date[],
): Promise<(bigint | null)[]> {
  const { rows } = await knex.raw<{ rows: { equity: bigint | null }[] }>(
    `select (select s.equity from equity_snapshots s
             where s.account_id = ? and s.taken_at <= asked.at
             order by s.taken_at desc limit 1) as equity
     from unnest(?::timestamptz[]) with ordinality as asked (at, place) order by place`,
    [accountId, times],
  );
  return rows.map(({ equity }) => equity);
}

/**
 * What an account was worth over time: as it was recorded at the end of each stretch, and as it is
 * now for the one that is not over. The times before the first record are left out.
 * @throws DomainError 404, or 422 for a range that makes no sense
 */
export async function readHistory(
  knex: Knex,
  accountId: string,
  request: HistoryRequest,
  { now, marketHours: hours }: { now: Date; marketHours: MarketHours },
): Promise<History> {
  const account = await findValuedAccount(knex, accountId, closeBefore(now, hours));
  if (!account) throw notFound('account');
  const { timeframe, windows } = planRange(request, account.createdAt, now, hours);
  const closes = closesBefore(windows, hours);
  const times = [...windows.map(({ end }) => end), ...closes.map(({ close }) => close)];
  const equities = await readEquityAt(knex, accountId, times);
  const current = account.cash + account.longValue + account.shortValue;
  const known = windows.flatMap((window, index) => {
    const equity = window.end > now ? current : equities[index];
    return equity == null ? [] : [{ window, equity }];
  });
  const atClose = equities.slice(windows.length);
  const first = known.find(({ equity }) => equity !== 0n)?.equity ?? 0n;
  const isDaily = timeframe !== '1D' && request.pnlReset === 'per_day';
  const points = known.map(({ window: { start }, equity }) => {
    const before = isDaily ? closes.findLastIndex(({ from }) => from <= start) : 0;
    return { time: start, equity, base: atClose[before] ?? first };
  });
  return {
    timeframe,
    points,
    base: atClose[0] ?? first,
    baseDay: atClose[0] == null ? null : (closes[0]?.day ?? null),
    cashflow: await readCashflow(knex, accountId, request.cashflowTypes, known),
  };
}

/** The closes that the windows' days are measured from, in order; `from` is a day's first window. */
function closesBefore(
  windows: readonly Window[],
  hours: MarketHours,
): { from: Date; day: Date; close: Date }[] {
  const closes = new Map<number, { from: Date; day: Date; close: Date }>();
  let sameDateUntil = 0; // at least: dates in New York begin later than in UTC
  for (const { start } of windows) {
    if (start.getTime() < sameDateUntil) continue;
    const date = marketDay(start, hours);
    sameDateUntil = date.getTime() + DAY_MS;
    if (closes.has(date.getTime())) continue;
    const { day, close } = tradingDayBefore(date, hours);
    closes.set(date.getTime(), { from: start, day, close });
  }
  return [...closes.values()];
}

async function readCashflow(
  knex: Knex,
  accountId: string,
  types: readonly JournalType[],
  known: readonly { window: Window }[],
): Promise<Map<JournalType, bigint[]>> {
  const begin = known[0]?.window.start;
  if (types.length === 0 || !begin) return new Map();
  const journals = await readJournals(knex, accountId, {
    journalTypes: types,
    after: begin,
    direction: 'asc',
    limit: CASHFLOWS_MAX,
    fills: false,
    fees: false,
  });
  const flows = new Map<JournalType, bigint[]>();
  for (const type of types) {
    const ofType = journals.filter((journal) => journal.type === type);
    let next = 0;
    let sum = 0n;
    const sums = known.map(({ window: { end } }) => {
      for (; next < ofType.length && ofType[next]!.createdAt <= end; next += 1) {
        sum += ofType[next]!.amount;
      }
      return sum;
    });
    flows.set(type, sums);
  }
  return flows;
}
