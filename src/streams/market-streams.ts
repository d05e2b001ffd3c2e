import { MarketHub, type MarketHubDeps, type MarketHubLimits } from './market-hub.js';
import { MARKET_SUBSCRIBER_LIMITS, type MarketSubscriberLimits } from './market-subscriber.js';

export type MarketLimits = MarketHubLimits & MarketSubscriberLimits;

/** The market data of one API process, and what a client may take of them. */
export interface MarketStreams {
  readonly hub: MarketHub;
  readonly limits: MarketSubscriberLimits;
}

export const createMarketStreams = (
  deps: Omit<MarketHubDeps, 'limits'>,
  limits: Partial<MarketLimits> = {},
): MarketStreams => ({
  hub: new MarketHub({ ...deps, limits }),
  limits: { ...MARKET_SUBSCRIBER_LIMITS, ...limits },
});
