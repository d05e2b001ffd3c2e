import { setImmediate as breathe } from 'node:timers/promises';
import { tradingDays, type TradingDay } from '../domain/calendar.js';
import type { MarketHours } from '../domain/clock.js';

/** Computed a year at a time and kept: sixty years at once would hold up everybody's requests. */
export class TradingYears {
  private readonly years = new Map<number, TradingDay[]>();

  constructor(private readonly hours: MarketHours) {}

  /** The trading days from `first` to `last`, both included and midnight UTC of their dates. */
  async days(first: Date, last: Date): Promise<TradingDay[]> {
    const days: TradingDay[] = [];
    for (let year = first.getUTCFullYear(); year <= last.getUTCFullYear(); year += 1) {
      if (!this.years.has(year)) await breathe();
      days.push(...this.year(year).filter(({ day }) => day >= first && day <= last));
    }
    return days;
  }

  private year(year: number): TradingDay[] {
    let days = this.years.get(year);
    if (!days) {
      const [first, last] = [new Date(Date.UTC(year, 0, 1)), new Date(Date.UTC(year, 11, 31))];
      this.years.set(year, (days = tradingDays(first, last, this.hours)));
    }
    return days;
  }
}
