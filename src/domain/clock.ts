/** When the market trades: around the clock, or in the NYSE's regular hours. */
export type MarketHours = 'always' | 'nyse';

export interface MarketClock {
  readonly isOpen: boolean;
  readonly nextOpen: Date;
  readonly nextClose: Date;
}

/** One day's trading: from `open` up to and without `close`. */
export interface Session {
  readonly open: Date;
  readonly close: Date;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const OPEN_HOUR = 9;
const OPEN_MINUTE = 30;
const CLOSE_HOUR = 16;
const EARLY_CLOSE_HOUR = 13;
/** Hours that New York is behind UTC in summer; in winter one more. */
const SUMMER_OFFSET_HOURS = 4;
const [SUNDAY, MONDAY, THURSDAY, SATURDAY] = [0, 1, 4, 6] as const;
const [JANUARY, FEBRUARY, JUNE, JULY] = [1, 2, 6, 7] as const;
const [SEPTEMBER, NOVEMBER, DECEMBER] = [9, 11, 12] as const;

const newYork = new Intl.DateTimeFormat('en-US', {
  timeZone: 'America/New_York',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
});

/**
 * Whether the market is open at `now`, and when it next opens and closes.
 * While it is open, the next opening is the following session's; otherwise the next close is that
 * of the session to come. `always` is open without a break in sessions of one UTC day, so that day
 * orders end and statements close at midnight UTC: the coming midnight is both the next close and
 * the next opening.
 */
export function marketClock(now: Date, hours: MarketHours): MarketClock {
  if (hours === 'always') {
    const midnight = new Date((Math.floor(now.getTime() / DAY_MS) + 1) * DAY_MS);
    return { isOpen: true, nextOpen: midnight, nextClose: midnight };
  }
  let day = newYorkDay(now);
  let session = nyseSession(day);
  while (!session || session.close <= now) {
    day = plusDays(day, 1);
    session = nyseSession(day);
  }
  const isOpen = session.open <= now;
  const nextOpen = isOpen ? followingSession(day).open : session.open;
  return { isOpen, nextOpen, nextClose: session.close };
}

/** The latest close that is not after `now`: midnight UTC, or the end of a session of the NYSE. */
export function lastClose(now: Date, hours: MarketHours): Date {
  if (hours === 'always') return new Date(Math.floor(now.getTime() / DAY_MS) * DAY_MS);
  for (let day = newYorkDay(now); ; day = plusDays(day, -1)) {
    const session = nyseSession(day);
    if (session && session.close <= now) return session.close;
  }
}

/**
 * The NYSE's regular session of a day, or null on weekends and holidays. Computed by the rules of
 * since 2022 (NYSE Rule 7.2; Juneteenth was new then); days of mourning and emergencies, which no
 * rule foretells, are not in it.
 * @param day a calendar day in New York, as midnight UTC of that date
 */
export function nyseSession(day: Date): Session | null {
  const weekday = day.getUTCDay();
  if (weekday === SATURDAY || weekday === SUNDAY || isHoliday(day)) return null;
  const [year, month, date] = [day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate()];
  const offset = newYorkOffsetHours(day);
  const closeHour = isEarlyClose(day) ? EARLY_CLOSE_HOUR : CLOSE_HOUR;
  return {
    open: new Date(Date.UTC(year, month, date, OPEN_HOUR + offset, OPEN_MINUTE)),
    close: new Date(Date.UTC(year, month, date, closeHour + offset)),
  };
}

function followingSession(day: Date): Session {
  for (let next = plusDays(day, 1); ; next = plusDays(next, 1)) {
    const session = nyseSession(next);
    if (session) return session;
  }
}

function isHoliday(day: Date): boolean {
  const year = day.getUTCFullYear();
  // A New Year's Day on a Saturday is not made up for: that Friday ends the accounting year.
  return (
    isSame(day, observed(year, JANUARY, 1)) ||
    isSame(day, nthWeekday(year, JANUARY, MONDAY, 3)) || // Martin Luther King, Jr. Day
    isSame(day, nthWeekday(year, FEBRUARY, MONDAY, 3)) || // Washington's Birthday
    isSame(day, plusDays(easterSunday(year), -2)) || // Good Friday
    isSame(day, plusDays(nthWeekday(year, JUNE, MONDAY, 1), -7)) || // Memorial Day: May's last
    isSame(day, observed(year, JUNE, 19)) || // Juneteenth
    isSame(day, observed(year, JULY, 4)) || // Independence Day
    isSame(day, nthWeekday(year, SEPTEMBER, MONDAY, 1)) || // Labor Day
    isSame(day, nthWeekday(year, NOVEMBER, THURSDAY, 4)) || // Thanksgiving
    isSame(day, observed(year, DECEMBER, 25))
  );
}

/** The day before Independence Day and Christmas, and after Thanksgiving, end at 13:00. */
function isEarlyClose(day: Date): boolean {
  const year = day.getUTCFullYear();
  return (
    isSame(day, utcDay(year, JULY, 3)) ||
    isSame(day, plusDays(nthWeekday(year, NOVEMBER, THURSDAY, 4), 1)) ||
    isSame(day, utcDay(year, DECEMBER, 24))
  );
}

const utcDay = (year: number, month: number, date: number): Date =>
  new Date(Date.UTC(year, month - 1, date));

const plusDays = (day: Date, days: number): Date => new Date(day.getTime() + days * DAY_MS);

const isSame = (a: Date, b: Date): boolean => a.getTime() === b.getTime();

/** A holiday on a Saturday is kept on the Friday before, one on a Sunday on the Monday after. */
function observed(year: number, month: number, date: number): Date {
  const day = utcDay(year, month, date);
  if (day.getUTCDay() === SATURDAY) return plusDays(day, -1);
  return day.getUTCDay() === SUNDAY ? plusDays(day, 1) : day;
}

function nthWeekday(year: number, month: number, weekday: number, nth: number): Date {
  const first = utcDay(year, month, 1);
  const ahead = (weekday - first.getUTCDay() + 7) % 7;
  return plusDays(first, ahead + (nth - 1) * 7);
}

/** Easter in the Gregorian calendar (the "anonymous" algorithm, Meeus/Jones/Butcher). */
function easterSunday(year: number): Date {
  const golden = year % 19;
  const century = Math.floor(year / 100);
  const ofCentury = year % 100;
  const shift = Math.floor((century + 8) / 25);
  const moonShift = Math.floor((century - shift + 1) / 3);
  const epact = (19 * golden + century - Math.floor(century / 4) - moonShift + 15) % 30;
  const leap = 2 * (century % 4) + 2 * Math.floor(ofCentury / 4);
  const toSunday = (32 + leap - epact - (ofCentury % 4)) % 7;
  const late = Math.floor((golden + 11 * epact + 22 * toSunday) / 451);
  const days = epact + toSunday - 7 * late + 114;
  return utcDay(year, Math.floor(days / 31), (days % 31) + 1);
}

function partsIn(moment: Date): Record<string, number> {
  const parts = newYork.formatToParts(moment);
  return Object.fromEntries(parts.map(({ type, value }) => [type, Number(value)]));
}

/** The calendar day in New York at a moment, as midnight UTC of that date. */
export function newYorkDay(now: Date): Date {
  const { year, month, day } = partsIn(now);
  return utcDay(year!, month!, day!);
}

/** When a calendar day begins in New York. @param day as midnight UTC of its date */
export function newYorkMidnight(day: Date): Date {
  const inSummer = new Date(day.getTime() + SUMMER_OFFSET_HOURS * HOUR_MS);
  return isSame(newYorkDay(inSummer), day) ? inSummer : new Date(inSummer.getTime() + HOUR_MS);
}

/** What the clocks of New York show at a moment, as if it were UTC: they are whole hours apart. */
export function newYorkTime(moment: Date): Date {
  const { year, month, day, hour } = partsIn(moment);
  const hours = Date.UTC(year!, month! - 1, day, hour);
  return new Date(hours + (moment.getTime() % HOUR_MS));
}

/** Hours that New York is behind UTC during trading: noon UTC is after any change of the clocks. */
export function newYorkOffsetHours(day: Date): number {
  const noonUtc = 12;
  return noonUtc - partsIn(new Date(day.getTime() + noonUtc * HOUR_MS))['hour']!;
}
