import { newYorkMidnight, type MarketHours } from '../domain/clock.js';

export type AssetClass = 'us_equity' | 'crypto';

/** A time zone as Postgres knows it. */
export type DayZone = 'UTC' | 'America/New_York';

/** Crypto never closes: its days, like its sessions, are UTC's. */
export const hoursOf = (assetClass: AssetClass, hours: MarketHours): MarketHours =>
  assetClass === 'crypto' ? 'always' : hours;

/** Where the days of an asset's bars begin at midnight. */
export const dayZone = (assetClass: AssetClass, hours: MarketHours): DayZone =>
  hoursOf(assetClass, hours) === 'nyse' ? 'America/New_York' : 'UTC';

/** When a calendar day begins. @param day as midnight UTC of its date */
export const midnightOf = (day: Date, zone: DayZone): Date =>
  zone === 'UTC' ? day : newYorkMidnight(day);
