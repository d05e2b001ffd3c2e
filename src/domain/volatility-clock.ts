import { marketDay, tradingDay } from './calendar.js';
import type { MarketHours } from './clock.js';

/** What a step of the market comes to. */
export interface Elapsed {
  /** The part of a year's variance that belongs to it. */
  readonly variance: number;
  /** In whole trading days of the market: one is six and a half hours on the NYSE, else 24. */
  readonly tradingDays: number;
}

const NOTHING: Elapsed = { variance: 0, tradingDays: 0 };
const DAY_MS = 86_400_000;
const SESSION_MS = 6.5 * 3_600_000;
/** Of a market that never closes, and of the NYSE. */
const DAYS_A_YEAR = { always: 365, nyse: 252 } as const;
/** The part of a day's variance that comes at once at the open: what happened since the close. */
const GAP_SHARE = 0.2;
/** The least of the variance profile, at midday; the rest is a parabola. Its mean is 1. */
const MIDDAY = 0.4;
const RISE = 3 * (1 - MIDDAY);

/**
 * How much more or less variance a moment of a session has than the mean one: U-shaped, as of any
 * exchange with an open and a close (Wood, McInish and Ord, 1985).
 * @param position in the session, from 0 at the open to 1 at the close
 */
export const sessionProfile = (position: number): number => MIDDAY + RISE * (2 * position - 1) ** 2;

/**
 * Measures the time of a market in the variance that belongs to it. On the NYSE's hours a session
 * begins with a gap and is livelier at its ends; closed, nothing moves. A market that never closes
 * is flat and has no gap.
 */
export class VolatilityClock {
  private last: Date | null = null;
  private lastOpen: number | null = null;

  constructor(private readonly hours: MarketHours) {}

  /** What has passed since the last call; the first one only starts the clock. */
  advance(now: Date): Elapsed {
    const last = this.last;
    this.last = now;
    if (this.hours === 'always') return last ? flat(now.getTime() - last.getTime()) : NOTHING;
    const day = tradingDay(marketDay(now, this.hours), this.hours);
    if (!day || now < day.open || now >= day.close) return NOTHING;
    const isOpening = last !== null && this.lastOpen !== day.open.getTime();
    this.lastOpen = day.open.getTime();
    if (last === null) return NOTHING;
    const from = isOpening || last < day.open ? day.open : last;
    const ms = now.getTime() - from.getTime();
    if (ms <= 0 && !isOpening) return NOTHING;
    const middle = (from.getTime() + now.getTime()) / 2 - day.open.getTime();
    const position = middle / (day.close.getTime() - day.open.getTime());
    const within = (1 - GAP_SHARE) * (ms / SESSION_MS) * sessionProfile(position);
    const variance = ((isOpening ? GAP_SHARE : 0) + within) / DAYS_A_YEAR.nyse;
    return { variance, tradingDays: ms / SESSION_MS };
  }
}

const flat = (ms: number): Elapsed => {
  const tradingDays = Math.max(0, ms) / DAY_MS;
  return { variance: tradingDays / DAYS_A_YEAR.always, tradingDays };
};
