import type { MarketHours } from '../domain/clock.js';
import { PriceProcess } from '../domain/price-process.js';
import { tickAt } from '../domain/price-rules.js';
import type { PriceSource, Reference, StandingPrice } from './price-source.js';
import { priceTermsOf } from './price-terms.js';

/** Reference prices that are made up. */
export class SimulatedPrices implements PriceSource {
  private readonly process: PriceProcess;

  constructor(seed: string, hours: MarketHours) {
    this.process = new PriceProcess(seed, hours);
  }

  next(assets: readonly StandingPrice[], now: Date): Promise<Map<string, Reference>> {
    const priced = assets.map(({ asset, price, previousClose }) => ({
      ...priceTermsOf(asset),
      price,
      previousClose,
      tick: tickAt(price, asset),
    }));
    const prices = this.process.step(priced, now);
    return Promise.resolve(
      new Map(
        assets.map(({ asset }) => [asset.id, { price: prices.get(asset.symbol)!, size: null }]),
      ),
    );
  }

  stop(): void {
    // it holds nothing
  }
}
