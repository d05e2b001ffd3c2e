import { lastClose, marketClock, type MarketClock, type MarketHours } from './clock.js';

/** What decides when an order may trade. */
export interface SessionTerms {
  readonly timeInForce: 'day' | 'gtc' | 'ioc' | 'fok' | 'opg' | 'cls';
  readonly createdAt: Date;
}

/** A market's clock, and when it last closed. */
export interface SessionTimes extends MarketClock {
  readonly lastClose: Date;
}

/** Trade now, wait until a time, or end: as expired, or because it cannot wait. */
export type SessionRuling =
  | { readonly kind: 'trade' }
  | { readonly kind: 'wait'; readonly until: Date }
  | { readonly kind: 'expired' }
  | { readonly kind: 'closed' };

const TRADE: SessionRuling = { kind: 'trade' };

/** The sessions at one moment. Crypto never closes: its sessions are days in UTC. */
export class TradingHours {
  private stocks: SessionTimes | undefined;
  private coins: SessionTimes | undefined;

  constructor(
    private readonly hours: MarketHours,
    private readonly now: Date,
  ) {}

  of(assetClass: 'us_equity' | 'crypto'): SessionTimes {
    if (assetClass === 'crypto') return (this.coins ??= this.times('always'));
    return (this.stocks ??= this.times(this.hours));
  }

  private times(hours: MarketHours): SessionTimes {
    return { ...marketClock(this.now, hours), lastClose: lastClose(this.now, hours) };
  }
}

/**
 * A day order ends with the session it was sent in or, when it was sent outside of one, with the
 * next: that is, at the first close after it was accepted.
 */
export const isOverdue = (
  { timeInForce, createdAt }: SessionTerms,
  times: Pick<SessionTimes, 'lastClose'>,
): boolean => timeInForce === 'day' && createdAt < times.lastClose;

/**
 * What an order that has just arrived at the market may do. An opg order waits for the next open, a
 * cls order for the next close; what cannot wait (ioc, fok) ends when the market is closed.
 */
export function ruleSession(order: SessionTerms, times: SessionTimes): SessionRuling {
  if (isOverdue(order, times)) return { kind: 'expired' };
  if (order.timeInForce === 'opg') return { kind: 'wait', until: times.nextOpen };
  if (order.timeInForce === 'cls') return { kind: 'wait', until: times.nextClose };
  if (times.isOpen) return TRADE;
  const canWait = order.timeInForce === 'day' || order.timeInForce === 'gtc';
  return canWait ? { kind: 'wait', until: times.nextOpen } : { kind: 'closed' };
}
