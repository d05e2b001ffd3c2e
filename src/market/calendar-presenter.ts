import type { TradingDay } from '../domain/calendar.js';
import { newYorkOffsetHours, type MarketHours } from '../domain/clock.js';
import { dateText } from '../http/calendar-date.js';

const HOUR_MS = 3_600_000;
const LAST_MINUTE = '23:59';

/** Hours that the market's clock is behind UTC on that day. */
const offsetOf = (day: Date, hours: MarketHours): number =>
  hours === 'nyse' ? newYorkOffsetHours(day) : 0;

/** `2026-11-23T09:30:00-05:00`: times with an explicit numeric offset, which every SDK parses. */
export function withOffset(time: Date, hoursBehind: number): string {
  const local = new Date(time.getTime() - hoursBehind * HOUR_MS).toISOString().slice(0, 19);
  const sign = hoursBehind > 0 ? '-' : '+';
  return `${local}${sign}${String(hoursBehind).padStart(2, '0')}:00`;
}

/** A day of `/v2/calendar`: times on the market's clock. */
export function presentCalendarDay(trading: TradingDay, hours: MarketHours) {
  const { day, open, close, extendedOpen, extendedClose, settlement } = trading;
  const clock = (time: Date): string => {
    const local = new Date(time.getTime() - offsetOf(day, hours) * HOUR_MS);
    // Midnight at the end of a day has no text of its own: SDKs refuse to parse 24:00.
    return dateText(local) > dateText(day) ? LAST_MINUTE : local.toISOString().slice(11, 16);
  };
  return {
    date: dateText(day),
    open: clock(open),
    close: clock(close),
    session_open: clock(extendedOpen).replace(':', ''),
    session_close: clock(extendedClose).replace(':', ''),
    settlement_date: dateText(settlement),
  };
}

/** A day of `/v3/calendar`: moments, on the market's clock or in UTC. */
export function presentMarketDay(trading: TradingDay, hours: MarketHours, inUtc: boolean) {
  const { day, open, close, extendedOpen, extendedClose, settlement } = trading;
  const behind = inUtc ? 0 : offsetOf(day, hours);
  const time = (moment: Date): string => withOffset(moment, behind);
  const isExtended = extendedOpen < open;
  return {
    date: dateText(day),
    core_start: time(open),
    core_end: time(close),
    pre_start: isExtended ? time(extendedOpen) : null,
    pre_end: isExtended ? time(open) : null,
    lunch_start: null,
    lunch_end: null,
    post_start: isExtended ? time(close) : null,
    post_end: isExtended ? time(extendedClose) : null,
    settlement_date: dateText(settlement),
  };
}
