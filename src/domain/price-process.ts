import type { MarketHours } from './clock.js';
import { normal, seededRandom, type Random } from './seeded-random.js';
import { VolatilityClock, type Elapsed } from './volatility-clock.js';

/** How an asset's price moves. */
export interface PriceTerms {
  /** Names the asset's own noise. */
  readonly symbol: string;
  readonly class: 'us_equity' | 'crypto';
  /** Assets of one sector move together, beyond what the market makes them. */
  readonly sector: string;
  /** What a move of the market (of crypto: of its own market) of 1 % makes of it, in percent. */
  readonly beta: number;
  /** Standard deviation of a year's returns: 0.3 is 30 %. At least beta times the market's. */
  readonly volatility: number;
}

/** An asset before a step. Prices in 10^-4 USD. */
export interface PricedAsset extends PriceTerms {
  readonly price: bigint;
  readonly previousClose: bigint;
  /** Prices are multiples of it. */
  readonly tick: bigint;
}

/** Standard deviation of a year's returns of each market as a whole. */
export const MARKET_VOLATILITY = { us_equity: 0.16, crypto: 0.5 } as const;
/** Of the variance that is not the market's, the sector's part; the rest is the asset's own. */
const SECTOR_SHARE = 0.3;
/** After so many trading days half of a move away from the previous close would be taken back. */
const REVERSION_HALF_LIFE_DAYS = 3;
const REVERSION = Math.LN2 / REVERSION_HALF_LIFE_DAYS;

interface Path {
  /** Unrounded: a second's move is often less than a tick. */
  log: number;
  shown: bigint;
}

/**
 * Simulated reference prices: geometric Brownian motion with a market, a sector and an own factor for
 * each asset, drawn gently back to the previous close so that a demo that runs for weeks stays
 * believable. The same seed, assets, prices and times give the same prices; one more asset changes
 * nothing about the others. The one place that uses floating point: no money is computed here.
 */
export class PriceProcess {
  private readonly clocks: Record<PriceTerms['class'], VolatilityClock>;
  private readonly streams = new Map<string, Random>();
  private readonly paths = new Map<string, Path>();

  /** @param hours of the equities; crypto never closes */
  constructor(
    private readonly seed: string,
    hours: MarketHours,
  ) {
    this.clocks = { us_equity: new VolatilityClock(hours), crypto: new VolatilityClock('always') };
  }

  /** The prices at `now`, by symbol: on the tick and at least one. A first step moves nothing. */
  step(assets: readonly PricedAsset[], now: Date): Map<string, bigint> {
    const elapsed = {
      us_equity: this.clocks.us_equity.advance(now),
      crypto: this.clocks.crypto.advance(now),
    };
    const factors = new Map<string, number>();
    const factor = (name: string): number => {
      let value = factors.get(name);
      if (value === undefined) factors.set(name, (value = this.draw(name)));
      return value;
    };
    return new Map(
      assets.map((asset) => [asset.symbol, this.move(asset, elapsed[asset.class], factor)]),
    );
  }

  private move(
    asset: PricedAsset,
    { variance, tradingDays }: Elapsed,
    factor: (name: string) => number,
  ): bigint {
    const path = this.pathOf(asset);
    if (variance === 0) return path.shown;
    const market = asset.beta * MARKET_VOLATILITY[asset.class];
    const rest = Math.max(0, asset.volatility ** 2 - market ** 2);
    const noise =
      market * factor(`market ${asset.class}`) +
      Math.sqrt(rest * SECTOR_SHARE) * factor(`sector ${asset.sector}`) +
      Math.sqrt(rest * (1 - SECTOR_SHARE)) * this.draw(`asset ${asset.symbol}`);
    const away = Math.log(Number(asset.previousClose)) - path.log;
    const pull = away * (1 - Math.exp(-REVERSION * tradingDays));
    const tick = Number(asset.tick);
    path.log = Math.max(Math.log(tick), path.log + pull + Math.sqrt(variance) * noise);
    path.shown = BigInt(Math.max(1, Math.round(Math.exp(path.log) / tick))) * asset.tick;
    return path.shown;
  }

  /** A price that somebody else has set is where the asset goes on from. */
  private pathOf({ symbol, price }: PricedAsset): Path {
    let path = this.paths.get(symbol);
    if (path?.shown !== price) {
      this.paths.set(symbol, (path = { log: Math.log(Number(price)), shown: price }));
    }
    return path;
  }

  private draw(name: string): number {
    let stream = this.streams.get(name);
    if (!stream) this.streams.set(name, (stream = seededRandom(this.seed, name)));
    return normal(stream);
  }
}
