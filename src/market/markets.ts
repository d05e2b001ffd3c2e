import type { MarketHours } from '../domain/clock.js';

/** A market in the wire format of `/v3/clock` and `/v3/calendar`. */
export interface Market {
  readonly mic: string;
  readonly bic: null;
  readonly acronym: string;
  readonly name: string;
  readonly timezone: string;
}

const NEW_YORK = 'America/New_York';

const NYSE: Market = {
  mic: 'XNYS',
  bic: null,
  acronym: 'NYSE',
  name: 'New York Stock Exchange',
  timezone: NEW_YORK,
};
const NASDAQ: Market = {
  mic: 'XNAS',
  bic: null,
  acronym: 'NASDAQ',
  name: 'Nasdaq',
  timezone: NEW_YORK,
};

/** Those we trade on, by each name that the wire contract has for them. They keep the same hours. */
export const MARKETS = { NYSE, XNYS: NYSE, NASDAQ, XNAS: NASDAQ } as const;
export type MarketName = keyof typeof MARKETS;
export const MARKET_NAMES = Object.keys(MARKETS) as MarketName[];

export const DEFAULT_MARKETS: readonly MarketName[] = ['NYSE', 'NASDAQ'];

/** The market as it is kept here: one that never closes has its days by UTC. */
export const inHours = (name: MarketName, hours: MarketHours): Market =>
  hours === 'nyse' ? MARKETS[name] : { ...MARKETS[name], timezone: 'UTC' };
