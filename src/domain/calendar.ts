import { newYorkDay, newYorkOffsetHours, nyseSession, type MarketHours } from './clock.js';

/** A day on which the market trades. Days are midnight UTC of their date. */
export interface TradingDay {
  readonly day: Date;
  /** The core session: from `open` up to and without `close`. */
  readonly open: Date;
  readonly close: Date;
  /** With the hours before and after the core session. */
  readonly extendedOpen: Date;
  readonly extendedClose: Date;
  /** The day on which trades of this day settle. */
  readonly settlement: Date;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const PRE_MARKET_HOUR = 4;
const AFTER_HOURS = 4;
/** In trading days, by the first day it applied on (SEC Rule 15c6-1). */
const SETTLEMENT_CYCLES = [
  { since: Date.UTC(2024, 4, 28), days: 1 },
  { since: Date.UTC(2017, 8, 5), days: 2 },
  { since: -Infinity, days: 3 },
];

const plusDays = (day: Date, days: number): Date => new Date(day.getTime() + days * DAY_MS);

/** The date that the market's clock shows at a moment, as midnight UTC of it. */
export const marketDay = (now: Date, hours: MarketHours): Date =>
  hours === 'nyse' ? newYorkDay(now) : new Date(Math.floor(now.getTime() / DAY_MS) * DAY_MS);

/**
 * The trading of one day, or null when there is none. `always` trades every day, from midnight to
 * midnight UTC, and settles at once. The NYSE's day begins at 04:00 in New York and ends four hours
 * after its core session: at 20:00, or at 17:00 after an early close.
 */
export function tradingDay(day: Date, hours: MarketHours): TradingDay | null {
  if (hours === 'always') {
    const close = plusDays(day, 1);
    return { day, open: day, close, extendedOpen: day, extendedClose: close, settlement: day };
  }
  let known = nyseDays.get(day.getTime());
  if (known === undefined) {
    known = nyseDay(day);
    if (nyseDays.size < NYSE_DAYS_KEPT) nyseDays.set(day.getTime(), known);
  }
  return known;
}

/** Holidays and the clocks of New York take a while to compute, and years of days are asked for. */
const nyseDays = new Map<number, TradingDay | null>();
const NYSE_DAYS_KEPT = 30_000;

function nyseDay(day: Date): TradingDay | null {
  const session = nyseSession(day);
  if (!session) return null;
  const { open, close } = session;
  const midnight = day.getTime() + newYorkOffsetHours(day) * HOUR_MS;
  return {
    day,
    open,
    close,
    extendedOpen: new Date(midnight + PRE_MARKET_HOUR * HOUR_MS),
    extendedClose: new Date(close.getTime() + AFTER_HOURS * HOUR_MS),
    settlement: settlementDay(day),
  };
}

/** The trading days from `first` to `last`, both included. */
export function tradingDays(first: Date, last: Date, hours: MarketHours): TradingDay[] {
  const days: TradingDay[] = [];
  for (let day = first; day <= last; day = plusDays(day, 1)) {
    const trading = tradingDay(day, hours);
    if (trading) days.push(trading);
  }
  return days;
}

/** The last trading day whose core session had begun at a moment. */
export function lastTradingDay(now: Date, hours: MarketHours): TradingDay {
  const today = marketDay(now, hours);
  const trading = tradingDay(today, hours);
  return trading && trading.open <= now ? trading : tradingDayBefore(today, hours);
}

/** The trading day that is `count` of them before a day. */
export function tradingDayBefore(day: Date, hours: MarketHours, count = 1): TradingDay {
  let left = count;
  for (let before = plusDays(day, -1); ; before = plusDays(before, -1)) {
    const trading = tradingDay(before, hours);
    if (trading && --left === 0) return trading;
  }
}

/**
 * The last trading day before today's date: its close is what `last_equity` and "today's change"
 * are measured from, also after today's own close.
 */
export const previousTradingDay = (now: Date, hours: MarketHours): TradingDay =>
  tradingDayBefore(marketDay(now, hours), hours);

function settlementDay(day: Date): Date {
  let left = SETTLEMENT_CYCLES.find(({ since }) => day.getTime() >= since)!.days;
  let settlement = day;
  while (left > 0) {
    settlement = plusDays(settlement, 1);
    if (nyseSession(settlement)) left -= 1;
  }
  return settlement;
}
