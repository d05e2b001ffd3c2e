import type { TradableAsset } from '../assets/catalog.js';

/** An asset and where it stands. Prices in 10^-4 USD. */
export interface StandingPrice {
  readonly asset: TradableAsset;
  readonly price: bigint;
  readonly previousClose: bigint;
}

/** What an asset is taken to be worth. */
export interface Reference {
  /** In 10^-4 USD, on the tick. */
  readonly price: bigint;
  /** What the market maker's best quotes offer, in 10^-9 units; null: as usual. */
  readonly size: bigint | null;
}

/** Where the reference prices come from. */
export interface PriceSource {
  /** One step. @returns by asset id, for each of the assets */
  next(assets: readonly StandingPrice[], now: Date): Promise<Map<string, Reference>>;
  stop(): void;
}
