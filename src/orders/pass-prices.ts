import { marketBound, priceBand, tighter } from '../domain/collar.js';
import { isStranded, type PriceBand } from '../domain/price-bands.js';
import type { Budget } from '../domain/match.js';
import { tickAt } from '../domain/price-rules.js';
import type { SessionTimes, TradingHours } from '../domain/sessions.js';
import type { SettlementRecord } from './settlement-record.js';
import type { TradingBlocks } from './trading-blocks.js';
import type { PassAsset, PassReads } from './waiting-work.js';
import { isUntriggered, type WorkingOrder } from './working-order.js';

/** What a pass goes by, beside the orders themselves. */
export interface PassRules {
  now: Date;
  hours: TradingHours;
  blocks: TradingBlocks;
  marketCollarBps: number;
  /** So long an order may stay at the external venue, at most. */
  venueGoodForMs: number;
  /** Whether an account's client is told that an order came to the market. */
  tellsAcceptance: (accountId: string) => boolean;
  /** The width of the price band, in 1/100 of a percent. */
  collarBps: (accountId: string, assetId: string) => number;
}

/** What a pass knows of its assets: where they trade, when, and how far from it an order may go. */
export class PassPrices {
  private assets = new Map<string, PassAsset>();
  private reading: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly rules: PassRules,
    private readonly record: SettlementRecord,
  ) {}

  read(reads: PassReads, ids: readonly string[]): Promise<void> {
    const reading = reads.assets(ids).then((assets) => void (this.assets = assets));
    this.reading = reading;
    return reading;
  }

  /** For what is read at the same time, and needs the prices when it has come. */
  async readiness(): Promise<void> {
    await this.reading;
  }

  asset(id: string): PassAsset {
    const asset = this.assets.get(id);
    if (!asset) throw new Error(`asset ${id} has no price`);
    return asset;
  }

  /** The last trade, or what the asset is worth before the first one, in 10^-4 USD. */
  priceOf(assetId: string): bigint {
    return this.record.lastPrices.get(assetId) ?? this.asset(assetId).price;
  }

  times({ assetId }: WorkingOrder): SessionTimes {
    return this.rules.hours.of(this.asset(assetId).class);
  }

  /** Why the order may not trade now: the rules of intake, by what is true now. */
  refusal(order: WorkingOrder): string | null {
    const blocked = this.rules.blocks.of(order.accountId, order.assetId);
    if (blocked) return blocked;
    if (!this.asset(order.assetId).isTradable) return 'instrument_halted';
    if (order.limitPrice === null || isUntriggered(order)) return null;
    const bound = tighter(order.side, order.limitPrice, this.band(order));
    return bound === order.limitPrice ? null : 'price_collar';
  }

  private band({ side, accountId, assetId }: WorkingOrder): bigint {
    return priceBand(side, this.priceOf(assetId), this.rules.collarBps(accountId, assetId));
  }

  /** The worst price, the asset's band included, for an order that may trade at `bound` on its own. */
  withinBand(order: WorkingOrder, bound: bigint): bigint {
    const band = this.assetBandOf(order);
    return band === null ? bound : tighter(order.side, bound, band);
  }

  /** What the order itself, or the collar, allows: at its limit it would rest. */
  ownBoundOf(order: WorkingOrder): bigint {
    return order.limitPrice ?? tighter(order.side, order.boundPrice, this.band(order));
  }

  /** The asset's price band on the order's side, as it was when the pass began; null without one. */
  assetBandOf({ side, assetId }: WorkingOrder): bigint | null {
    const band = bandOf(this.asset(assetId));
    return band && (side === 'buy' ? band.upper : band.lower);
  }

  /** Why an order may not stay in the book at its limit: the asset's band has moved away; or null. */
  strandedBy({ side, assetId, limitPrice }: WorkingOrder): 'price_band' | null {
    const band = bandOf(this.asset(assetId));
    return band && isStranded(side, limitPrice!, band) ? 'price_band' : null;
  }

  /** What an order by notional may spend or has to raise; null for one by quantity. */
  budget({ assetId, notional }: WorkingOrder): Budget | null {
    if (notional === null) return null;
    return { amount: notional, qtyIncrement: this.asset(assetId).minTradeIncrement };
  }

  /** A stop's own bound: a collar around the price that triggered it; a buyer's never above what is held. */
  stopBound({ side, assetId, boundPrice }: WorkingOrder, price: bigint): bigint {
    const tick = tickAt(price, this.asset(assetId));
    const bound = marketBound(side, price, null, this.rules.marketCollarBps, tick);
    return side === 'buy' ? tighter(side, bound, boundPrice) : bound;
  }
}

const bandOf = ({ lower, upper }: PassAsset): PriceBand | null =>
  lower === null || upper === null ? null : { lower, upper };
