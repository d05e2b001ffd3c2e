import type { TradableAsset } from '../assets/catalog.js';
import type { PriceTerms } from '../domain/price-process.js';

type Numbers = readonly [sector: string, beta: number, volatility: number];

/**
 * How the seeded assets move: sector, beta, volatility of a year. Round numbers of the size that such
 * companies have shown over the years, made up for a simulation; nobody should trade on them. Here
 * and not in the database, because they belong to the model and change with it.
 */
const SEEDED: Readonly<Record<string, Numbers>> = {
  AAPL: ['technology', 1.2, 0.28],
  MSFT: ['technology', 1.1, 0.26],
  NVDA: ['technology', 1.8, 0.5],
  GOOGL: ['technology', 1.1, 0.3],
  META: ['technology', 1.3, 0.38],
  AMZN: ['consumer', 1.3, 0.34],
  TSLA: ['consumer', 1.9, 0.58],
  HD: ['consumer', 1, 0.25],
  DIS: ['consumer', 1.1, 0.3],
  WMT: ['staples', 0.6, 0.2],
  PG: ['staples', 0.5, 0.17],
  KO: ['staples', 0.5, 0.16],
  PEP: ['staples', 0.5, 0.17],
  JPM: ['finance', 1.1, 0.26],
  V: ['finance', 0.95, 0.23],
  BAC: ['finance', 1.3, 0.32],
  UNH: ['health', 0.6, 0.27],
  JNJ: ['health', 0.5, 0.17],
  XOM: ['energy', 0.8, 0.28],
  SPY: ['index', 1, 0.16], // the market itself
  'BTC/USD': ['coins', 1, 0.55],
  'ETH/USD': ['coins', 1.2, 0.75],
};

/** Of an asset that an operator adds: an ordinary one of its class. */
const DEFAULTS: Record<TradableAsset['class'], Numbers> = {
  us_equity: ['other', 1, 0.3],
  crypto: ['coins', 1.2, 0.9],
};

/** How an asset's simulated price moves. */
export function priceTermsOf(asset: Pick<TradableAsset, 'symbol' | 'class'>): PriceTerms {
  const [sector, beta, volatility] = SEEDED[asset.symbol] ?? DEFAULTS[asset.class];
  return { symbol: asset.symbol, class: asset.class, sector, beta, volatility };
}
