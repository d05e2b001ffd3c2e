import type { KeptTimeframe } from './tape.js';

/** The span of a bar, such as 15 minutes. */
export interface Timeframe {
  readonly count: number;
  readonly unit: Unit;
}

type Unit = 'Min' | 'Hour' | 'Day' | 'Week' | 'Month';

interface UnitTerms {
  /** How else it is written (Alpaca). */
  readonly short: string;
  readonly counts: (count: number) => boolean;
  readonly kept: KeptTimeframe;
  /** The most kept bars that one such unit has; days twice, for MARKET_HOURS may have changed. */
  readonly keptBars: number;
  /** At least as long as one such unit. */
  readonly ms: number;
  /** When the span begins that a kept bar belongs to: SQL of `starts_at`, `:count` and `:zone`. */
  readonly span: string;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Spans of minutes and hours are counted from midnight UTC of 1970-01-01. */
const binOf = (unit: 'mins' | 'hours'): string =>
  `date_bin(make_interval(${unit} => :count::int), starts_at, 'epoch'::timestamptz)`;

const UNITS: Readonly<Record<Unit, UnitTerms>> = {
  Min: {
    short: 'T',
    counts: (count) => count <= 59,
    kept: '1Min',
    keptBars: 1,
    ms: MINUTE_MS,
    span: binOf('mins'),
  },
  Hour: {
    short: 'H',
    counts: (count) => count <= 23,
    kept: '1Hour',
    keptBars: 1,
    ms: HOUR_MS,
    span: binOf('hours'),
  },
  Day: {
    short: 'D',
    counts: (count) => count === 1,
    kept: '1Day',
    keptBars: 1,
    ms: DAY_MS,
    span: 'starts_at',
  },
  Week: {
    short: 'W',
    counts: (count) => count === 1,
    kept: '1Day',
    keptBars: 14,
    ms: 8 * DAY_MS,
    span: `date_trunc('week', starts_at, :zone::text)`,
  },
  Month: {
    short: 'M',
    counts: (count) => [1, 2, 3, 4, 6, 12].includes(count),
    kept: '1Day',
    keptBars: 62,
    ms: 32 * DAY_MS,
    // From January on: all counts divide twelve.
    span: `(date_trunc('year', starts_at at time zone :zone::text) + make_interval(months =>
      (extract(month from starts_at at time zone :zone::text)::int - 1) / :count::int * :count::int))
      at time zone :zone::text`,
  },
};

const PATTERN = /^(\d{1,2})([A-Za-z]+)$/;
export const TIMEFRAMES_TEXT =
  '1-59Min, 1-23Hour, 1Day, 1Week, 1,2,3,4,6,12Month (in short T, H, D, W, M)';

/** Reads `15Min`, `15T`, `1Day` and so on. @returns null when there is no such timeframe */
export function parseTimeframe(text: string): Timeframe | null {
  const [, digits, name] = PATTERN.exec(text) ?? [];
  const unit = (Object.keys(UNITS) as Unit[]).find(
    (one) => one === name || UNITS[one].short === name,
  );
  const count = Number(digits);
  if (unit === undefined || count < 1 || !UNITS[unit].counts(count)) return null;
  return { count, unit };
}

/** What the bars of a timeframe are added up from, and how. */
export interface Spans {
  readonly kept: KeptTimeframe;
  readonly keptBars: number;
  readonly ms: number;
  readonly sql: string;
}

export function spansOf({ count, unit }: Timeframe): Spans {
  const { kept, keptBars, ms, span } = UNITS[unit];
  return { kept, keptBars: keptBars * count, ms: ms * count, sql: span };
}
