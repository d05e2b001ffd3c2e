import { lastTradingDay, marketDay, tradingDayBefore, tradingDays } from '../domain/calendar.js';
import type { MarketHours } from '../domain/clock.js';
import { invalid } from '../errors.js';

export const TIMEFRAMES = ['1Min', '5Min', '15Min', '1H', '1D'] as const;
export type Timeframe = (typeof TIMEFRAMES)[number];
export const REPORTINGS = ['market_hours', 'extended_hours', 'continuous'] as const;
export type Reporting = (typeof REPORTINGS)[number];

/** What was asked for; at most two of period, start and end. */
export interface RangeRequest {
  /** Such as `1D`, `2W`, `3M`, `1A`. */
  readonly period?: string | undefined;
  readonly start?: Date | undefined;
  readonly end?: Date | undefined;
  readonly timeframe?: Timeframe | undefined;
  readonly reporting: Reporting;
}

/** One data point: what was worth what at the end of a stretch of time. */
export interface Window {
  readonly start: Date;
  readonly end: Date;
}

export interface Range {
  readonly timeframe: Timeframe;
  readonly windows: readonly Window[];
}

const DAY_MS = 86_400_000;
const STEP_MS: Record<Exclude<Timeframe, '1D'>, number> = {
  '1Min': 60_000,
  '5Min': 300_000,
  '15Min': 900_000,
  '1H': 3_600_000,
};
const MINUTES_MAX_DAYS = 7;
const INTRADAY_MAX_DAYS = 30;
const DAYS_OF_UNIT: Record<string, number> = { D: 1, W: 7, M: 30, A: 365 };
const DEFAULT_PERIOD = '1M';

/**
 * The data points of a request, by the rules of Alpaca's portfolio history. A period of days counts
 * trading days, today's included; weeks, months and years go by the calendar. Without a timeframe it
 * is 1Min for less than 7 days, 15Min for less than 30, otherwise 1D.
 * @param since when the account began: there is nothing before
 * @throws DomainError 422 for a range that is empty or too long for its timeframe
 */
export function planRange(
  request: RangeRequest,
  since: Date,
  now: Date,
  hours: MarketHours,
): Range {
  const { start, end, days } = spanOf(request, since, now, hours);
  if (start >= end) {
    throw invalid(`start (${start.toISOString()}) must be before end (${end.toISOString()})`);
  }
  const timeframe = request.timeframe ?? defaultTimeframe(days);
  requireShort(timeframe, days);
  const from = start > since ? start : since;
  const windows =
    timeframe === '1D'
      ? dailyWindows(from, end, hours)
      : intradayWindows(from, end, { stepMs: STEP_MS[timeframe], ...request }, hours);
  return { timeframe, windows: windows.filter((one) => one.end > from && one.start < end) };
}

/** The close of the trading day before a moment's date: the profit of its day is since then. */
export const closeBefore = (time: Date, hours: MarketHours): Date =>
  tradingDayBefore(marketDay(time, hours), hours).close;

interface Span {
  start: Date;
  end: Date;
  /** Its length by name: a month has 30. */
  days: number;
}

function spanOf(request: RangeRequest, since: Date, now: Date, hours: MarketHours): Span {
  const { start, end: askedEnd, period = DEFAULT_PERIOD } = request;
  const [, digits = '1', letter = 'M'] = /^(\d+)(\w)$/.exec(period.toUpperCase()) ?? [];
  const count = Number(digits);
  const unit = letter === 'Y' ? 'A' : letter;
  const days = count * DAYS_OF_UNIT[unit]!;
  const end = askedEnd && askedEnd < now ? askedEnd : now;
  if (!start) return { start: startOf(end, count, unit, { since, hours }), end, days };
  if (request.period === undefined) {
    return { start, end, days: (end.getTime() - start.getTime()) / DAY_MS };
  }
  if (askedEnd) throw invalid('Send at most two of start, end and period');
  const until = shift(start, count, unit);
  return { start, end: until < now ? until : now, days };
}

/** When a period that ends at `end` began. */
function startOf(
  end: Date,
  count: number,
  unit: string,
  { since, hours }: { since: Date; hours: MarketHours },
): Date {
  const start = shift(end, -count, unit);
  if (unit !== 'D' || start < since) return start; // trading days go back further still
  const last = lastTradingDay(end, hours);
  return (count === 1 ? last : tradingDayBefore(last.day, hours, count - 1)).extendedOpen;
}

function shift(time: Date, count: number, unit: string): Date {
  const shifted = new Date(time);
  if (unit === 'M') shifted.setUTCMonth(shifted.getUTCMonth() + count);
  else if (unit === 'A') shifted.setUTCFullYear(shifted.getUTCFullYear() + count);
  else shifted.setTime(shifted.getTime() + count * DAYS_OF_UNIT[unit]! * DAY_MS);
  return shifted;
}

function defaultTimeframe(days: number): Timeframe {
  if (days < MINUTES_MAX_DAYS) return '1Min';
  return days < INTRADAY_MAX_DAYS ? '15Min' : '1D';
}

/** @throws DomainError 422 */
function requireShort(timeframe: Timeframe, days: number): void {
  const max = timeframe === '1Min' ? MINUTES_MAX_DAYS : INTRADAY_MAX_DAYS;
  if (timeframe === '1D' || days <= max) return;
  throw invalid(
    `timeframe ${timeframe} is for ${max} days at most; the range has ${Math.ceil(days)}`,
    { errors: [{ field: 'timeframe', message: `is for ${max} days at most` }] },
  );
}

const dailyWindows = (from: Date, end: Date, hours: MarketHours): Window[] =>
  tradingDays(marketDay(from, hours), marketDay(end, hours), hours).map((day) => ({
    start: day.open,
    end: day.close,
  }));

function intradayWindows(
  from: Date,
  end: Date,
  { stepMs, reporting }: { stepMs: number; reporting: Reporting },
  hours: MarketHours,
): Window[] {
  if (reporting === 'continuous') {
    const first = new Date(Math.floor(from.getTime() / stepMs) * stepMs);
    return steps({ start: first, end: new Date(end.getTime() + stepMs) }, stepMs);
  }
  const days = tradingDays(marketDay(from, hours), marketDay(end, hours), hours);
  return days.flatMap((day) =>
    reporting === 'extended_hours'
      ? steps({ start: day.extendedOpen, end: day.extendedClose }, stepMs)
      : steps({ start: day.open, end: day.close }, stepMs),
  );
}

function steps({ start, end }: Window, stepMs: number): Window[] {
  const windows: Window[] = [];
  for (let time = start.getTime(); time < end.getTime(); time += stepMs) {
    const windowEnd = new Date(Math.min(time + stepMs, end.getTime()));
    windows.push({ start: new Date(time), end: windowEnd });
  }
  return windows;
}
